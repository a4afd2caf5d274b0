// StyleGAN3's filtered leaky ReLU in bfloat16, as products of AMX tiles.
//
// Upsampling and downsampling are products with constant matrices, so each goes to the tile multiplier, which has some
// thirty times the multiply-adds of the vector unit and wins although it multiplies many zeros. Both are done in two
// dimensions at once: a radial filter costs what a separable one does, and only the upsampled picture is rounded to
// bfloat16 in between.
//
// A tile row holds two neighbouring pixels of sixteen channels, interleaved. Thirty-two channels, a cache line of a
// pixel, go down the picture together, as two blocks of sixteen: interleaving two pixels in the cheapest way puts
// channels 0-3, 8-11, 16-19 and 24-27 into one block and the others into the second, packing the result undoes it.

#pragma once

#include "filtered_lrelu.h"
#include "lanes.h"

#if defined(__AMX_BF16__) && defined(__AVX512BW__) && defined(__linux__)

#include <cmath>

namespace {

constexpr int UNIT = 2 * LANES;  // channels that go together
constexpr int PAIRS = 5;         // pairs of input columns that a cell reads, for the mids of four input columns
constexpr int RUN = 3 * PAIRS;   // rows of a B tile: pairs of three input rows, or (with two spare) one row of mids
constexpr int IN_RING = 16;      // rows of input that are kept, the first five of them twice, so that six lie together
constexpr int IN_ROWS = IN_RING + UP_TAPS - 1;
constexpr int MID_RING = 32;     // rows of the upsampled picture that are kept
constexpr int MID_STEP = 16;     // of its rows and columns that are made at once
constexpr int OUT_STEP = 8;      // rows and columns of output that are made at once
constexpr int WINDOW = DOWN_TAPS + 2;  // rows of mids that two rows of output need

#define TILE_LOAD(tile, base) \
    asm volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(base), "r"((long)64) : "memory")
#define TILE_STORE(tile, base) \
    asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(base), "r"((long)64) : "memory")
#define TILE_PRODUCT(c, a, b) asm volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c::: "memory")
#define TILE_ZERO(c) asm volatile("tilezero %%tmm" #c::: "memory")

struct alignas(64) ATile {
    uint16_t rows[16][32];
};

// The filters as tiles.
template <int UP>
struct Matrices {
    static constexpr int TILES = UP * UP / 4;  // of sixteen mids, in a cell
    ATile up[TILES][2];
    ATile down[WINDOW];
    float sums_y[UP], sums_x[4 * UP];
};

inline float round_bf16(float v, uint16_t* bits) {
    uint32_t u;
    std::memcpy(&u, &v, 4);
    u = (u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000u;
    *bits = u >> 16;
    std::memcpy(&v, &u, 4);
    return v;
}

// Rounds taps to bfloat16; each error goes into the next tap, so that their sum, the filter's gain, stays.
inline void round_taps(const float* taps, uint16_t* out, int count) {
    float error = 0;
    for (int i = 0; i < count; i++) {
        const float wanted = taps[i] + error;
        error = wanted - round_bf16(wanted, out + i);
    }
}

// `phase`: of a cell's first mid among those of its input column.
template <int UP>
void make_matrices(Matrices<UP>& m, const Filters& f, int phase) {
    std::memset(&m, 0, sizeof m);
    for (int u = 0; u < UP; u++)
        for (int j = 0; j < 4 * UP; j++) {
            const int shift = (phase + j) / UP, v = (phase + j) % UP;
            float taps[UP_TAPS * UP_TAPS];
            uint16_t rounded[UP_TAPS * UP_TAPS];
            for (int r = 0; r < UP_TAPS; r++)
                for (int t = 0; t < UP_TAPS; t++)
                    taps[r * UP_TAPS + t] = f.up_y[UP - 1 - u + r * UP] * f.up_x[UP - 1 - v + t * UP];
            round_taps(taps, rounded, UP_TAPS * UP_TAPS);
            const int mid = u * 4 * UP + j;
            for (int r = 0; r < UP_TAPS; r++)
                for (int t = 0; t < UP_TAPS; t++)
                    m.up[mid / 16][r / 3].rows[mid % 16][r % 3 * 2 * PAIRS + shift + t] = rounded[r * UP_TAPS + t];
        }
    float taps[DOWN_TAPS * DOWN_TAPS];
    uint16_t rounded[DOWN_TAPS * DOWN_TAPS];
    for (int r = 0; r < DOWN_TAPS; r++)
        for (int t = 0; t < DOWN_TAPS; t++)
            taps[r * DOWN_TAPS + t] = f.down ? f.down[r * DOWN_TAPS + t] : f.down_y[r] * f.down_x[t];
    round_taps(taps, rounded, DOWN_TAPS * DOWN_TAPS);
    for (int row = 0; row < 2; row++)
        for (int column = 0; column < OUT_STEP; column++)
            for (int r = 0; r < DOWN_TAPS; r++)
                for (int t = 0; t < DOWN_TAPS; t++)
                    m.down[r + 2 * row].rows[row * OUT_STEP + column][2 * column + t] = rounded[r * DOWN_TAPS + t];
}

struct Activation {
    vf slope;
    __m512i low, high;  // the clamp

    // The nonlinearity of sixteen mids, rounded to bfloat16 and interleaved by pairs.
    inline __attribute__((always_inline)) void apply(const vf* source, vf* upper, vf* lower) const {
        const __m512i half = _mm512_set1_epi32(0x8000);
#pragma GCC unroll 8
        for (int pair = 0; pair < 8; pair++) {
            __m512i v[2];
            for (int side = 0; side < 2; side++) {
                const vf a = source[2 * pair + side];
                v[side] = _mm512_add_epi32(_mm512_castps_si512(_mm512_max_ps((__m512)(a * slope), (__m512)a)), half);
            }
            __m512i both = _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(v[0], 16), v[1]);
            both = (__m512i)_mm512_min_ph((__m512h)high, _mm512_max_ph((__m512h)low, (__m512h)both));
            _mm512_store_si512((pair < 4 ? upper : lower - 4) + pair, both);
        }
    }
};

inline int floor_div(int a, int b) { return -ceil_div(-a, b); }

// One tile of output columns of 32 channels, from top to bottom.
template <int UP>
struct AmxTile {
    static constexpr int CELLS = 4 / UP;             // in a step of columns
    static constexpr int GROUPS = MID_STEP / UP;     // input rows that begin the mids of a step of rows
    static constexpr int TILES = Matrices<UP>::TILES;

    const bf16* x;
    bf16* y;
    const Picture& p;
    const Filters& f;
    const Matrices<UP>& m;
    const float *scale, *bias;
    int c0, first, last;

    int steps, cells, mid_stride;  // mid_stride in vectors
    int i0, g0, m0;                // first input column, first input row, first row of mids
    __mmask32 channels;
    vf *strips[2], *mids[2], *made, *done[2], *units[2], *border;
    vf bias_[2], scale_[2];
    __m512i low[2], high[2];  // the clamp
    float* edges;             // [cells][4 UP]: for each column of mids, the sum of the taps inside the picture

    // Of a row of mids, in vectors. Rows must not fall upon the same sets of the first-level cache.
    static int stride_of(int steps) { return steps % 4 == 0 ? 8 * steps + 8 : 8 * steps; }

    static size_t memory_needed(int columns) {
        const int steps = (columns + OUT_STEP - 1) / OUT_STEP + 1, cells = steps * CELLS;
        return 2 * (size_t)(cells * IN_ROWS * PAIRS + MID_RING * stride_of(steps) + 64 * (steps - 1) + 16 * TILES) + 64 + 16 +
               (size_t)cells * UP * 4 / 16 + 16;
    }

    void prepare() {
        steps = (last - first + OUT_STEP - 1) / OUT_STEP + 1;
        cells = steps * CELLS;
        mid_stride = stride_of(steps);
        vf* memory = scratch(memory_needed(last - first));
        for (int k = 0; k < 2; k++) {
            strips[k] = memory, memory += cells * IN_ROWS * PAIRS;
            mids[k] = memory, memory += MID_RING * mid_stride;
            done[k] = memory, memory += 64 * (steps - 1);
            units[k] = memory, memory += 16 * TILES;
        }
        made = memory, memory += 64;
        border = memory, memory += 16;
        edges = (float*)memory;
        i0 = floor_div(2 * first - p.left + UP - 1, UP);
        // The first step of rows makes the ten rows of mids before those that the first rows of output finish with.
        g0 = ceil_div(DOWN_TAPS - 2 - MID_STEP - p.top + UP - 1, UP);
        m0 = g0 * UP + p.top - UP + 1;
        channels = p.c - c0 >= UNIT ? 0xffffffffu : (1u << (p.c - c0)) - 1;
        for (int k = 0; k < 2; k++) {
            alignas(64) float b[LANES] = {}, s[LANES];
            alignas(64) uint16_t limit[UNIT];
            for (int i = 0; i < LANES; i++) {
                const int channel = c0 + i / 4 * 8 + k * 4 + i % 4;
                s[i] = scale && channel < p.c ? scale[channel] : 1;
                b[i] = bias && channel < p.c ? bias[channel] / s[i] : 0;
                round_bf16(f.clamp / s[i], limit + 2 * i);
                limit[2 * i + 1] = limit[2 * i];
            }
            bias_[k] = load(b), scale_[k] = load(s);
            high[k] = _mm512_load_si512(limit);
            low[k] = _mm512_or_si512(high[k], _mm512_set1_epi16((short)0x8000));
        }
        for (int e = 0; e < cells; e++)
            for (int j = 0; j < 4 * UP; j++) {
                const int z = 2 * first - p.left + UP - 1 + e * 4 * UP + j, i = floor_div(z, UP), v = z - i * UP;
                edges[e * 4 * UP + j] = inside(f.up_x + UP - 1 - v, i, p.w);
            }
        for (int k = 0; k < 2; k++)
            for (int t = 0; t < TILES; t++) {
                float all_x[4 * UP];
                for (int j = 0; j < 4 * UP; j++) {
                    const int z = 2 * first - p.left + UP - 1 + j;
                    all_x[j] = inside(f.up_x + UP - 1 - (z - floor_div(z, UP) * UP), 0, UP_TAPS);
                }
                bias_tile(units[k] + 16 * t, k, t, all_x, 0, UP_TAPS);
            }
    }

    // The sum of those of six taps that fall on rows or columns i ... of a picture of this size.
    static float inside(const float* taps, int i, int size) {
        float sum = 0;
        for (int t = 0; t < UP_TAPS; t++)
            if (i + t >= 0 && i + t < size) sum += taps[t * UP];
        return sum;
    }

    // What the bias alone makes of sixteen mids.
    void bias_tile(vf* target, int k, int t, const float* sums_x, int row, int height) const {
        for (int n = 0; n < 16; n++) {
            const int mid = t * 16 + n, u = mid / (4 * UP);
            target[n] = bias_[k] * (sums_x[mid % (4 * UP)] * inside(f.up_y + UP - 1 - u, row, height));
        }
    }

    // Input rows g0 + q, interleaved by pairs of columns, copied into every cell that reads them.
    void load_rows(int begin, int end) const {
        const int pairs = 2 * cells + PAIRS - 2;
        for (int q = begin; q < end; q++) {
            const int row = g0 + q, slot = q & (IN_RING - 1);
            const bool is_inside = row >= 0 && row < p.h;
            const bf16* source = x + ((ptrdiff_t)row * p.w + i0) * p.c + c0;
            for (int pair = 0; pair < pairs; pair++) {
                __m512i v[2];
                for (int side = 0; side < 2; side++) {
                    const int column = 2 * pair + side;
                    v[side] = _mm512_setzero_si512();
                    if (!is_inside || (unsigned)(i0 + column) >= (unsigned)p.w) continue;
                    const bf16* pixel = source + (ptrdiff_t)column * p.c;
                    v[side] = _mm512_maskz_loadu_epi16(channels, pixel);
                }
                const __m512i blocks[2] = {_mm512_unpacklo_epi16(v[0], v[1]), _mm512_unpackhi_epi16(v[0], v[1])};
                for (int e = pair / 2, place = pair % 2; place < PAIRS; e--, place += 2) {
                    if ((unsigned)e >= (unsigned)cells) continue;
                    for (int k = 0; k < 2; k++) {
                        vf* target = strips[k] + (e * IN_ROWS + slot) * PAIRS + place;
                        _mm512_store_si512(target, blocks[k]);
                        if (slot < UP_TAPS - 1) _mm512_store_si512(target + IN_RING * PAIRS, blocks[k]);
                    }
                }
            }
        }
    }

    // Rows lie far apart, so no hardware prefetcher sees which part of them comes next; and asking for all of a step at
    // once would wait. So two pixels of the next step of rows here,
    void prefetch_input(int q, int column) const {
        if ((unsigned)(g0 + q) >= (unsigned)p.h) return;
        const ptrdiff_t row = (ptrdiff_t)(g0 + q) * p.w;
        for (int i = i0 + column; i < i0 + column + 2; i++)
            if ((unsigned)i < (unsigned)p.w) prefetch(x + (row + i) * p.c + c0);
    }

    // and four pixels that will be written there.
    void prefetch_output(int row, int column) const {
        if (row >= p.out_h) return;
        const int end = std::min(last, first + column + OUT_STEP / 2);
        for (int i = first + column; i < end; i++) prefetch(y + ((size_t)row * p.out_w + i) * p.c + c0);
    }

    static void prefetch(const bf16* pixel) {
        _mm_prefetch((const char*)pixel, _MM_HINT_T1);
        _mm_prefetch((const char*)(pixel + UNIT - 1), _MM_HINT_T1);
    }

    // The mids of a step of rows and columns: products, and the nonlinearity one tile behind them.
    void up(int k, int step, int q, int mid_row) const {
        const Activation activation{splat(f.slope), low[k], high[k]};
        const vf* const strip = strips[k] + step * CELLS * IN_ROWS * PAIRS;
        vf* const mid = mids[k] + step * 8;
        vf *const scratch_tiles = made, *const edge = border;
        const vf* const unit = units[k];
        const ATile(*const matrix)[2] = m.up;
        const int column = i0 + step * CELLS * 4;
        const bool columns_inside = column >= 0 && column + 4 * CELLS + 2 * PAIRS - 4 <= p.w;
        if (UP == 2) {
            TILE_LOAD(4, &matrix[0][0]);
            TILE_LOAD(5, &matrix[0][1]);
        }
        const vf* source = nullptr;
        vf *upper = nullptr, *lower = nullptr;
        int number = 0;
        for (int g = q; g < q + GROUPS; g++) {
            const bool is_inside = columns_inside && g0 + g >= 0 && g0 + g + UP_TAPS <= p.h;
            for (int cell = 0; cell < CELLS; cell++) {
                const vf* input = strip + (cell * IN_ROWS + (g & (IN_RING - 1))) * PAIRS;
                TILE_LOAD(6, input);
                TILE_LOAD(7, input + RUN);
                prefetch_input(g + UP_TAPS - 1 + GROUPS, (step * CELLS + cell) * 4 + 2 * k);
                for (int t = 0; t < TILES; t++, number++) {
                    vf* const target = scratch_tiles + 16 * (number & 1);
                    if (UP != 2) {
                        TILE_LOAD(4, &matrix[t][0]);
                        TILE_LOAD(5, &matrix[t][1]);
                    }
                    if (!is_inside) bias_tile(edge, k, t, edges + (step * CELLS + cell) * UP * 4, g0 + g, p.h);
                    TILE_LOAD(0, is_inside ? unit + 16 * t : edge);
                    TILE_PRODUCT(0, 4, 6);
                    TILE_PRODUCT(0, 5, 7);
                    TILE_STORE(0, target);
                    if (number) activation.apply(source, upper, lower);
                    const int row = mid_row + (g - q) * UP + (UP == 2 ? 0 : t);
                    source = target;
                    upper = mid + (row & (MID_RING - 1)) * mid_stride + cell * 4;
                    lower = UP == 2 ? mid + ((row + 1) & (MID_RING - 1)) * mid_stride + cell * 4 : upper + 4;
                }
            }
        }
        activation.apply(source, upper, lower);
    }

    // Eight rows and columns of output.
    void down(int k, int column, int out_row) const {
        vf* target = done[k] + 64 * column;
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
        for (int t = 0; t < WINDOW; t++) {
            const vf* source = mids[k] + column * 8;
            const int r = 2 * out_row + t;
            const auto at = [&](int j) { return source + ((r + 4 * j) & (MID_RING - 1)) * mid_stride; };
            TILE_LOAD(4, &m.down[t]);
            TILE_LOAD(6, at(0));
            TILE_PRODUCT(0, 4, 6);
            TILE_LOAD(7, at(1));
            TILE_PRODUCT(1, 4, 7);
            TILE_LOAD(6, at(2));
            TILE_PRODUCT(2, 4, 6);
            TILE_LOAD(7, at(3));
            TILE_PRODUCT(3, 4, 7);
            if (t < OUT_STEP) prefetch_output(out_row + t, column * OUT_STEP + k * OUT_STEP / 2);
        }
        TILE_STORE(0, target);
        TILE_STORE(1, target + 16);
        TILE_STORE(2, target + 32);
        TILE_STORE(3, target + 48);
    }

    // Packs what `down` made of both blocks, and writes it.
    void write(int column, int out_row) const {
        const int rows = std::min(OUT_STEP, p.out_h - out_row);
        const int columns = std::min(OUT_STEP, last - first - column * OUT_STEP);
        const __m512i half = _mm512_set1_epi32(0x8000);
        for (int r = 0; r < rows; r++) {
            bf16* pixel = y + ((size_t)(out_row + r) * p.out_w + first + column * OUT_STEP) * p.c + c0;
            for (int o = 0; o < columns; o++, pixel += p.c) {
                __m512i v[2];
                for (int k = 0; k < 2; k++)
                    v[k] = _mm512_srli_epi32(_mm512_add_epi32((__m512i)(done[k][column * 64 + r * OUT_STEP + o] * scale_[k]), half), 16);
                _mm512_mask_storeu_epi16(pixel, channels, _mm512_packus_epi32(v[0], v[1]));
            }
        }
    }

    void run() {
        prepare();
        const int parts = (p.out_h + OUT_STEP - 1) / OUT_STEP;
        load_rows(0, UP_TAPS - 1);
        for (int part = -1; part < parts; part++) {
            const int q = (part + 1) * GROUPS, mid_row = m0 + (part + 1) * MID_STEP, out_row = part * OUT_STEP;
            load_rows(q + UP_TAPS - 1, q + UP_TAPS - 1 + GROUPS);
            for (int k = 0; k < 2; k++)
                for (int step = 0; step < steps; step++) {
                    up(k, step, q, mid_row);
                    if (part >= 0 && step > 0) down(k, step - 1, out_row);
                }
            for (int column = 0; part >= 0 && column < steps - 1; column++) write(column, out_row);
        }
    }
};

struct alignas(64) TileConfig {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 4 * RUN, 4 * RUN, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, RUN, RUN};
};

template <int UP>
void amx_flrelu(const bf16* x, bf16* y, const Picture& p, const Filters& f, const float* scale, const float* bias,
                int tile_columns, int threads) {
    const int blocks = (p.out_w + OUT_STEP - 1) / OUT_STEP, tile_blocks = std::max(1, tile_columns / OUT_STEP);
    const int tiles = (blocks + tile_blocks - 1) / tile_blocks, parts = (p.c + UNIT - 1) / UNIT;
    const size_t in_size = (size_t)p.h * p.w * p.c, out_size = (size_t)p.out_h * p.out_w * p.c;
    const long items = (long)p.n * tiles * parts;
    Matrices<UP> m;
    const int z = UP - 1 - p.left;
    make_matrices(m, f, z - floor_div(z, UP) * UP);
#pragma omp parallel num_threads(threads)
    {
        const TileConfig config;
        asm volatile("ldtilecfg %0" ::"m"(config));
#pragma omp for schedule(dynamic)
        for (long item = 0; item < items; item++) {
            const int part = item % parts, number = item / parts % tiles, sample = item / parts / tiles;
            AmxTile<UP> tile{x + sample * in_size, y + sample * out_size, p, f, m,
                             scale ? scale + (size_t)sample * p.c : nullptr, bias, part * UNIT,
                             (int)((long)blocks * number / tiles) * OUT_STEP,
                             std::min(p.out_w, (int)((long)blocks * (number + 1) / tiles) * OUT_STEP)};
            tile.run();
        }
        asm volatile("tilerelease");
    }
}

}  // namespace

#endif
