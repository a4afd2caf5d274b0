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

#include <vector>

namespace {

constexpr int UNIT = 2 * LANES;   // channels that go together
constexpr int STEP = 16;          // rows and columns of the upsampled picture ("mids") that are made at once
constexpr int HALF = STEP / 2;    // rows and columns of output that come of them, and pairs of mids
constexpr int PAIRS = 5;          // pairs of input columns that a cell reads: the mids of four input columns
constexpr int RUN = 3 * PAIRS;    // of three rows: what one B tile takes
constexpr int IN_RING = 16;       // rows of input that are kept; the first five of them twice, so that six lie together
constexpr int IN_ROWS = IN_RING + UP_TAPS - 1;
constexpr int MAX_TERMS = 3;      // outer products that a down filter may be the sum of

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
    // Pairs of mids, and of rows behind `down_x`, lie in rings of sixteen; the second form is for steps that begin in
    // the middle of the ring.
    ATile down_x[2][2];  // terms 0 and 1 above each other; term 2
    ATile down_y[2][MAX_TERMS];
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

// Eight outputs from a ring of pairs that begins at its start or in its middle.
inline void make_down(ATile& tile, int row, const float* taps, int middle) {
    uint16_t rounded[DOWN_TAPS];
    round_taps(taps, rounded, DOWN_TAPS);
    for (int o = 0; o < HALF; o++)
        for (int t = 0; t < DOWN_TAPS; t++)
            tile.rows[row + o][(2 * o + t + middle * STEP) % (2 * STEP)] = rounded[t];
}

// `phase`: of a cell's first mid among those of its input column; `down_x`, `down_y`: 12 taps of each term.
template <int UP>
void make_matrices(Matrices<UP>& m, const Filters& f, int terms, int phase) {
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
    for (int middle = 0; middle < 2; middle++)
        for (int term = 0; term < terms; term++) {
            make_down(m.down_x[middle][term / 2], term % 2 * HALF, f.down_x + term * DOWN_TAPS, middle);
            make_down(m.down_y[middle][term], 0, f.down_y + term * DOWN_TAPS, middle);
        }
}

// Two rows of sixteen numbers, rounded to bfloat16 and interleaved.
inline __attribute__((always_inline)) __m512i interleave(vf even, vf odd) {
    const __m512i half = _mm512_set1_epi32(0x8000);
    const __m512i a = _mm512_add_epi32((__m512i)even, half), b = _mm512_add_epi32((__m512i)odd, half);
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(a, 16), b);
}

struct Activation {
    vf slope;
    __m512i low, high;  // the clamp

    // The nonlinearity of sixteen mids.
    inline __attribute__((always_inline)) void apply(const vf* source, vf* upper, vf* lower) const {
#pragma GCC unroll 8
        for (int pair = 0; pair < 8; pair++) {
            const vf a = source[2 * pair], b = source[2 * pair + 1];
            __m512i both = interleave((vf)_mm512_max_ps((__m512)(a * slope), (__m512)a),
                                      (vf)_mm512_max_ps((__m512)(b * slope), (__m512)b));
            both = (__m512i)_mm512_min_ph((__m512h)high, _mm512_max_ph((__m512h)low, (__m512h)both));
            _mm512_store_si512((pair < 4 ? upper : lower - 4) + pair, both);
        }
    }
};

inline int floor_div(int a, int b) { return -ceil_div(-a, b); }

// What a thread works in, whatever the unit.
struct Desk {
    alignas(64) vf made[2 * 16];      // products of `up`
    vf mids[STEP][STEP];              // a ring of pairs of columns in every row
    vf rows[4][24];                   // products of `down_x`: a ring of rows
    vf border[16];
};

// Some columns of output of 32 channels, from top to bottom.
template <int UP, int TERMS>
struct Unit {
    static constexpr int CELLS = 4 / UP;     // in a step of columns
    static constexpr int GROUPS = STEP / UP; // input rows that begin the mids of a step of rows
    static constexpr int TILES = Matrices<UP>::TILES;
    static constexpr int KEPT = TERMS * HALF * STEP;  // vectors of `halves` for eight columns of output

    const bf16* x;
    bf16* y;
    const Picture& p;
    const Filters& f;
    const Matrices<UP>& m;
    Desk& desk;
    const float *scale, *bias;
    int c0, first, last;

    int steps, cells;
    int i0, g0, m0;  // first input column, first input row, first row of mids
    __mmask32 channels;
    vf *strips[2];  // [cells][IN_ROWS][PAIRS] of each block of channels
    vf *halves[2];  // [columns / 8][TERMS][8][16]: downsampled along x, a ring of pairs of rows for every column
    vf *carried[2]; // [columns / 8][24]: a row whose partner is yet to come
    vf *done[2], *units[2];
    vf bias_[2], scale_[2];
    __m512i low[2], high[2];  // the clamp
    float* edges;             // [cells][4 UP]: for each column of mids, the sum of the taps inside the picture

    // In vectors, for so many columns of output.
    static size_t memory_needed(int columns) {
        const int parts = (columns + HALF - 1) / HALF, cells = (parts + 1) * CELLS;
        return 2 * (size_t)(cells * IN_ROWS * PAIRS + 1 + parts * (KEPT + 24 + 64) + 16 * TILES) + cells * UP / 4 + 1;
    }

    void prepare(vf* memory) {
        steps = (last - first + HALF - 1) / HALF + 1;
        cells = steps * CELLS;
        for (int k = 0; k < 2; k++) {
            const size_t strip = cells * IN_ROWS * PAIRS + 1, half = (size_t)(steps - 1) * KEPT;
            strips[k] = memory, memory += strip;
            halves[k] = memory, memory += half;
            // Some rows of B tiles meet only zeros, which do not undo a NaN left by somebody else.
            std::memset(strips[k], 0, (strip + half) * sizeof(vf));
            carried[k] = memory, memory += 24 * (steps - 1);
            done[k] = memory, memory += 64 * (steps - 1);
            units[k] = memory, memory += 16 * TILES;
        }
        edges = (float*)memory;
        i0 = floor_div(2 * first - p.left + UP - 1, UP);
        // The first step of rows makes the ten rows of mids before those that the first rows of output finish with.
        g0 = ceil_div(DOWN_TAPS - 2 - STEP - p.top + UP - 1, UP);
        m0 = g0 * UP + p.top - UP + 1;
        channels = p.c - c0 >= UNIT ? 0xffffffffu : (1u << (p.c - c0)) - 1;
        for (int k = 0; k < 2; k++) prepare_channels(k);
        for (int e = 0; e < cells; e++)
            for (int j = 0; j < 4 * UP; j++) {
                const int z = 2 * first - p.left + UP - 1 + e * 4 * UP + j, i = floor_div(z, UP), v = z - i * UP;
                edges[e * 4 * UP + j] = inside(f.up_x + UP - 1 - v, i, p.w);
            }
    }

    void prepare_channels(int k) {
        alignas(64) float b[LANES], s[LANES];
        alignas(64) uint16_t limit[UNIT];
        for (int i = 0; i < LANES; i++) {
            const int channel = c0 + i / 4 * 8 + k * 4 + i % 4;
            // A positive factor commutes with everything but bias and clamp.
            s[i] = scale && channel < p.c ? scale[channel] : 1;
            b[i] = bias && channel < p.c ? bias[channel] / s[i] : 0;
            round_bf16(f.clamp / s[i], limit + 2 * i);
            limit[2 * i + 1] = limit[2 * i];
        }
        bias_[k] = load(b), scale_[k] = load(s);
        high[k] = _mm512_load_si512(limit);
        low[k] = _mm512_or_si512(high[k], _mm512_set1_epi16((short)0x8000));
        float all_x[4 * UP];
        for (int j = 0; j < 4 * UP; j++) {
            const int z = 2 * first - p.left + UP - 1 + j;
            all_x[j] = inside(f.up_x + UP - 1 - (z - floor_div(z, UP) * UP), 0, UP_TAPS);
        }
        for (int t = 0; t < TILES; t++) bias_tile(units[k] + 16 * t, k, t, all_x, 0, UP_TAPS);
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
                    if (is_inside && (unsigned)(i0 + column) < (unsigned)p.w)
                        v[side] = _mm512_maskz_loadu_epi16(channels, source + (ptrdiff_t)column * p.c);
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
        const int end = std::min(last, first + column + HALF / 2);
        for (int i = first + column; i < end; i++) prefetch(y + ((size_t)row * p.out_w + i) * p.c + c0);
    }

    static void prefetch(const bf16* pixel) {
        _mm_prefetch((const char*)pixel, _MM_HINT_T1);
        _mm_prefetch((const char*)(pixel + UNIT - 1), _MM_HINT_T1);
    }

    // The mids of a step of rows and columns: products, and the nonlinearity one tile behind them.
    void up(int k, int step, int q) const {
        const Activation activation{splat(f.slope), low[k], high[k]};
        const vf* const strip = strips[k] + step * CELLS * IN_ROWS * PAIRS;
        vf* const mids = &desk.mids[0][step % 2 * HALF];
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
        for (int g = 0; g < GROUPS; g++) {
            const int row = g0 + q + g;
            const bool is_inside = columns_inside && row >= 0 && row + UP_TAPS <= p.h;
            for (int cell = 0; cell < CELLS; cell++) {
                const vf* input = strip + (cell * IN_ROWS + ((q + g) & (IN_RING - 1))) * PAIRS;
                TILE_LOAD(6, input);
                TILE_LOAD(7, input + RUN);
                prefetch_input(q + g + UP_TAPS - 1 + GROUPS, (step * CELLS + cell) * 4 + 2 * k);
                for (int t = 0; t < TILES; t++, number++) {
                    vf* const target = desk.made + 16 * (number & 1);
                    if (UP != 2) {
                        TILE_LOAD(4, &matrix[t][0]);
                        TILE_LOAD(5, &matrix[t][1]);
                    }
                    if (!is_inside) bias_tile(desk.border, k, t, edges + (step * CELLS + cell) * UP * 4, row, p.h);
                    TILE_LOAD(0, is_inside ? unit + 16 * t : desk.border);
                    TILE_PRODUCT(0, 4, 6);
                    TILE_PRODUCT(0, 5, 7);
                    TILE_STORE(0, target);
                    if (number) activation.apply(source, upper, lower);
                    source = target;
                    upper = mids + (g * UP + (UP == 2 ? 0 : t)) * STEP + cell * 4;
                    lower = UP == 2 ? upper + STEP : upper + 4;
                }
            }
        }
        activation.apply(source, upper, lower);
    }

    // Downsampling of a step along x: eight columns, pairs of rows.
    void down_x(int k, int column, int part) const {
        const int odd = m0 & 1;  // then the first row of a step is the second of a pair
        const int pair = (m0 - odd) / 2 + (part + 1) * HALF;
        vf* const target = halves[k] + column * KEPT;
        vf* const carry = carried[k] + column * 24;
        const ATile* const matrix = m.down_x[column % 2];
        if (TERMS > 1) TILE_LOAD(4, matrix);
        if (TERMS != 2) TILE_LOAD(3, matrix + TERMS / 2);
        if (odd) std::memcpy(desk.rows[0], carry, sizeof desk.rows[0]);
        for (int row = 0; row < STEP; row++) {
            const int place = row + odd;
            vf* const made = desk.rows[place % 4];
            TILE_LOAD(6, desk.mids[row]);
            if (TERMS > 1) {
                TILE_ZERO(0);
                TILE_PRODUCT(0, 4, 6);
                TILE_STORE(0, made);
            }
            if (TERMS != 2) {
                TILE_ZERO(1);
                TILE_PRODUCT(1, 3, 6);
                TILE_STORE(1, made + (TERMS - 1) * HALF);
            }
            if (place >= 2 && place % 2 == 0) keep(place / 2 - 1, pair, target);
        }
        if (odd)
            std::memcpy(carry, desk.rows[0], sizeof desk.rows[0]);
        else
            keep(HALF - 1, pair, target);
    }

    void keep(int number, int pair, vf* target) const {
        const vf *a = desk.rows[number * 2 % 4], *b = desk.rows[number * 2 % 4 + 1];
        target += (pair + number) & (STEP - 1);
#pragma GCC unroll 24
        for (int i = 0; i < TERMS * HALF; i++) _mm512_store_si512(target + i * STEP, interleave(a[i], b[i]));
    }

    // And along y: eight rows.
    void down_y(int k, int column, int part) const {
        const vf* const source = halves[k] + column * KEPT;
        const ATile* const matrix = m.down_y[part & 1];
        vf* const target = done[k] + 64 * column;
        if (TERMS == 1) TILE_LOAD(3, matrix);
        for (int o = 0; o < HALF; o += 2) {
            TILE_ZERO(1);
            TILE_ZERO(2);
            for (int term = 0; term < TERMS; term++) {
                if (TERMS > 1) TILE_LOAD(3, matrix + term);
                TILE_LOAD(6, source + (term * HALF + o) * STEP);
                TILE_PRODUCT(1, 3, 6);
                TILE_LOAD(7, source + (term * HALF + o + 1) * STEP);
                TILE_PRODUCT(2, 3, 7);
            }
            TILE_STORE(1, target + o * HALF);
            TILE_STORE(2, target + (o + 1) * HALF);
            prefetch_output(part * HALF + o + k, column * HALF);
            prefetch_output(part * HALF + o + k, column * HALF + HALF / 2);
        }
    }

    // Packs what was made of both blocks, and writes it.
    void write(int column, int out_row) const {
        const int rows = std::min(HALF, p.out_h - out_row);
        const int columns = std::min(HALF, last - first - column * HALF);
        const __m512i half = _mm512_set1_epi32(0x8000);
        for (int r = 0; r < rows; r++) {
            bf16* pixel = y + ((size_t)(out_row + r) * p.out_w + first + column * HALF) * p.c + c0;
            const vf *a = done[0] + column * 64 + r, *b = done[1] + column * 64 + r;
            for (int o = 0; o < columns; o++, pixel += p.c) {
                const __m512i low = _mm512_add_epi32((__m512i)(a[o * HALF] * scale_[0]), half);
                const __m512i high = _mm512_add_epi32((__m512i)(b[o * HALF] * scale_[1]), half);
                _mm512_mask_storeu_epi16(
                    pixel, channels, _mm512_packus_epi32(_mm512_srli_epi32(low, 16), _mm512_srli_epi32(high, 16)));
            }
        }
    }

    // Eight rows of output; part -1 only makes what part 0 builds upon.
    void run(int part) const {
        const int q = (part + 1) * GROUPS;
        load_rows(part < 0 ? 0 : q + UP_TAPS - 1, q + UP_TAPS - 1 + GROUPS);
        for (int k = 0; k < 2; k++)
            for (int step = 0; step < steps; step++) {
                up(k, step, q);
                if (step == 0) continue;
                down_x(k, step - 1, part);
                if (part >= 0) down_y(k, step - 1, part);
            }
        for (int column = 0; part >= 0 && column < steps - 1; column++) write(column, part * HALF);
    }
};

struct alignas(64) TileConfig {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, HALF, HALF, HALF, 16, 16, 16, 16};
};

template <int UP, int TERMS>
void amx_flrelu(const bf16* x, bf16* y, const Picture& p, const Filters& f, const float* scale, const float* bias,
                int tile_columns, int tile_channels, int threads) {
    const int blocks = (p.out_w + HALF - 1) / HALF, tile_blocks = std::max(1, tile_columns / HALF);
    const int tiles = (blocks + tile_blocks - 1) / tile_blocks, parts = (p.c + tile_channels - 1) / tile_channels;
    const size_t in_size = (size_t)p.h * p.w * p.c, out_size = (size_t)p.out_h * p.out_w * p.c;
    const long items = (long)p.n * tiles * parts;
    Matrices<UP> m;
    const int z = UP - 1 - p.left;
    make_matrices(m, f, TERMS, z - floor_div(z, UP) * UP);
#pragma omp parallel num_threads(threads)
    {
        const TileConfig config;
        asm volatile("ldtilecfg %0" ::"m"(config));
        Desk desk;
        std::vector<Unit<UP, TERMS>> units;
#pragma omp for schedule(dynamic)
        for (long item = 0; item < items; item++) {
            const int part = item % parts, number = item / parts % tiles, sample = item / parts / tiles;
            const int first = (int)((long)blocks * number / tiles) * HALF;
            const int last = std::min(p.out_w, (int)((long)blocks * (number + 1) / tiles) * HALF);
            const size_t size = Unit<UP, TERMS>::memory_needed(last - first);
            vf* memory = scratch(size * ((tile_channels + UNIT - 1) / UNIT));
            units.clear();
            for (int c = part * tile_channels; c < std::min(p.c, (part + 1) * tile_channels); c += UNIT) {
                units.push_back({x + sample * in_size, y + sample * out_size, p, f, m, desk,
                                 scale ? scale + (size_t)sample * p.c : nullptr, bias, c, first, last});
                units.back().prepare(memory);
                memory += size;
            }
            for (int row = -1; row * HALF < p.out_h; row++)
                for (const auto& unit : units) unit.run(row);
        }
        asm volatile("tilerelease");
    }
}

}  // namespace

#endif
