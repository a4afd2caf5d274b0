// StyleGAN3's filtered leaky ReLU: upsample, activate, downsample, tile by tile.

#pragma once

#include "lanes.h"

namespace {

constexpr int UP_TAPS = 6;     // of the up filter, for each phase
constexpr int DOWN_TAPS = 12;  // of the down filter, along each axis
constexpr int STRIP = 6;       // input rows that the separable pass takes at once: a whole turn of its registers

struct Picture {
    int n, h, w, c;    // input
    int out_h, out_w;  // output
    int top, left;     // padding, in upsampled pixels
};

// All taps in correlation order. A down filter that is no outer product comes whole, in `down`.
struct Filters {
    const float* up_x;    // [UP_TAPS * UP], gains included
    const float* up_y;    // [UP_TAPS * UP]
    const float* down_x;  // [DOWN_TAPS]
    const float* down_y;  // [DOWN_TAPS]
    const float* down;    // [DOWN_TAPS][DOWN_TAPS] or null
    float slope, clamp;
};

// The same in every lane of vectors.
template <typename V>
struct Taps {
    V up_x[UP_TAPS * 4], up_y[UP_TAPS * 4], down_x[DOWN_TAPS], down_y[DOWN_TAPS], down[DOWN_TAPS * DOWN_TAPS];
    V slope, clamp;

    Taps(const Filters& f, int up) : slope(splat_as<V>(f.slope)), clamp(splat_as<V>(f.clamp)) {
        splat_all(f.up_x, up_x, UP_TAPS * up);
        splat_all(f.up_y, up_y, UP_TAPS * up);
        if (f.down) {
            splat_all(f.down, down, DOWN_TAPS * DOWN_TAPS);
        } else {
            splat_all(f.down_x, down_x, DOWN_TAPS);
            splat_all(f.down_y, down_y, DOWN_TAPS);
        }
    }
};

// The largest sum of absolute values among `step` interleaved sets of taps.
inline float largest_gain(const float* taps, int count, int step) {
    float largest = 0;
    for (int phase = 0; phase < step; phase++) {
        float sum = 0;
        for (int i = phase; i < count; i += step) sum += taps[i] < 0 ? -taps[i] : taps[i];
        largest = std::max(largest, sum);
    }
    return largest;
}

// Whether float16, which ends at 65504 and has three bits more than bfloat16, holds all that these filters sum up. It
// takes a clamp, and one that makes it no matter that inputs end at HALF_LIMIT.
inline bool fits_half(const Filters& f, int up) {
    const float up_gain = largest_gain(f.up_x, UP_TAPS * up, up) * largest_gain(f.up_y, UP_TAPS * up, up);
    const float down_gain = f.down ? largest_gain(f.down, DOWN_TAPS * DOWN_TAPS, 1)
                                   : largest_gain(f.down_x, DOWN_TAPS, 1) * largest_gain(f.down_y, DOWN_TAPS, 1);
    constexpr float LIMIT = 60000;
    return f.clamp <= HALF_LIMIT / 4 && HALF_LIMIT * up_gain < LIMIT && f.clamp * down_gain < LIMIT;
}

// The columns of one tile of output, and what they need of the upsampled picture and of the input.
struct Columns {
    int first, count;  // output
    int i_first;       // the first group of upsampled columns belongs to this input column
    int groups, wide;  // upsampled columns that are computed: `wide = groups * UP`
    int offset;        // where the first output's taps begin among them
};

inline int ring_index(int i, int size) { return ((i % size) + size) % size; }

template <int UP>
Columns columns_of(const Picture& p, int first, int last) {
    const int mid_first = first * 2, mid_last = (last - 1) * 2 + DOWN_TAPS;
    const int i_first = ceil_div(mid_first - p.left, UP), i_last = ceil_div(mid_last - 1 - p.left, UP);
    const int groups = i_last - i_first + 1;
    return {first, last - first, i_first, groups, groups * UP, mid_first - (i_first * UP + p.left - UP + 1)};
}

// Input row `row` (zero outside the picture) times scale plus bias, upsampled along x.
template <typename V, typename T, int UP, int AHEAD, bool WHOLE>
void up_row(const T* x, const Picture& p, const Columns& k, const V* taps, const Affine<V>& affine, int c0, int count,
            int row, V* line, V* target) {
    if (row < 0 || row >= p.h) {
        for (int j = 0; j < k.wide; j++) target[j] = V{};
        return;
    }
    const int length = k.groups + UP_TAPS - 1;
    const int begin = std::min(length, std::max(0, -k.i_first));
    const int end = std::max(begin, std::min(length, p.w - k.i_first));
    const T* source = x + ((size_t)row * p.w + k.i_first) * p.c + c0;
    // Rows lie far apart, so no hardware prefetcher sees that the one that is read in AHEAD rows comes.
    const size_t below = row + AHEAD < p.h ? (size_t)AHEAD * p.w * p.c : 0;
    for (int j = 0; j < begin; j++) line[j] = V{};
    for (int j = begin; j < end; j++) {
        const T* pixel = source + (size_t)j * p.c;
        prefetch(pixel + below);
        line[j] = affine.template load<WHOLE>(pixel, count);
    }
    for (int j = end; j < length; j++) line[j] = V{};
    for (int g = 0; g < k.groups; g++) {
        V sums[UP];
        for (int phase = 0; phase < UP; phase++) sums[phase] = line[g] * taps[phase];
        for (int t = 1; t < UP_TAPS; t++)
            for (int phase = 0; phase < UP; phase++) sums[phase] += line[g + t] * taps[phase + t * UP];
        for (int phase = 0; phase < UP; phase++) target[g * UP + UP - 1 - phase] = sums[phase];
    }
}

// Upsampled row `u` of a group, before the nonlinearity: `v` are its six input rows, the oldest at `oldest`.
template <typename V, int UP>
inline V up_column(const V v[UP_TAPS], int oldest, int u, const V* taps) {
    V even = v[oldest % UP_TAPS] * taps[UP - 1 - u];
    V odd = v[(oldest + 1) % UP_TAPS] * taps[UP - 1 - u + UP];
    for (int k = 2; k < UP_TAPS; k += 2) {
        even += v[(oldest + k) % UP_TAPS] * taps[UP - 1 - u + k * UP];
        odd += v[(oldest + k + 1) % UP_TAPS] * taps[UP - 1 - u + (k + 1) * UP];
    }
    return even + odd;
}

// Upsampling along y, nonlinearity and downsampling along y for STRIP input rows.
//
// Column by column, everything stays in registers: the last six input rows, and sums for the six output rows that
// are under way. `rows` are the five input rows before and the STRIP new ones; `sums` keeps what is under way;
// `out[q]` gets the output row that is finished by the q-th pair of upsampled rows. ODD: the first of the upsampled
// rows is the second of a pair.
template <typename V, int UP, int ODD>
void separable_strip(const V* const* rows, V* sums, V* out, int wide, const Taps<V>& taps) {
    constexpr int PAIR = DOWN_TAPS / 2;
    for (int j = 0; j < wide; j++) {
        V v[UP_TAPS], a[PAIR];
        for (int k = 0; k < UP_TAPS - 1; k++) v[k] = rows[k][j];
        for (int k = 0; k < PAIR; k++) a[k] = sums[(size_t)k * wide + j];
#pragma GCC unroll 6
        for (int s = 0; s < STRIP; s++) {
            v[(s + UP_TAPS - 1) % UP_TAPS] = rows[s + UP_TAPS - 1][j];
#pragma GCC unroll 4
            for (int u = 0; u < UP; u++) {
                const V m = activate(up_column<V, UP>(v, s, u, taps.up_y), taps.slope, taps.clamp);
                const int t = s * UP + u + ODD, parity = t & 1, q = t >> 1;
#pragma GCC unroll 6
                for (int d = 0; d < PAIR; d++) {
                    V& sum = a[(q + PAIR * 4 - d) % PAIR];
                    sum = parity == 0 && d == 0 ? m * taps.down_y[0] : sum + m * taps.down_y[2 * d + parity];
                }
                if (parity == 1) out[(size_t)q * wide + j] = a[(q + 1) % PAIR];
            }
        }
        for (int k = 0; k < PAIR; k++) sums[(size_t)k * wide + j] = a[k];
    }
}

// Outputs o ... o + N - 1 of a row, from `count` pairs of rows: `sum over i of (rows[i] + mirror[i]) * taps[i]`.
template <typename V, int N, bool MIRRORED>
inline void down_pixels(const V* const* rows, const V* const* mirror, int count, const V* taps, int o, V* sums) {
    for (int i = 0; i < N; i++) sums[i] = V{};
    for (int r = 0; r < count; r++) {
        V h[DOWN_TAPS];
        for (int k = 0; k < DOWN_TAPS; k++) h[k] = taps[r * DOWN_TAPS + k];
        const V* a = rows[r] + 2 * o;
        const V* b = MIRRORED ? mirror[r] + 2 * o : nullptr;
#pragma GCC unroll 64
        for (int c = 0; c < 2 * (N - 1) + DOWN_TAPS; c++) {
            const V v = MIRRORED ? a[c] + b[c] : a[c];
#pragma GCC unroll 16
            for (int i = 0; i < N; i++)
                if (c >= 2 * i && c - 2 * i < DOWN_TAPS) sums[i] += v * h[c - 2 * i];
        }
    }
}

template <typename V, typename T, bool WHOLE, bool MIRRORED>
void down_row(const V* const* rows, const V* const* mirror, int pairs, const V* taps, int columns, T* out, int c,
              int count, size_t below) {
    constexpr int N = 8;
    int o = 0;
    while (o < columns) {
        V sums[N];
        int done = 1;
        if (columns >= N) {
            o = std::min(o, columns - N);  // the last block overlaps the one before
            done = N;
            down_pixels<V, N, MIRRORED>(rows, mirror, pairs, taps, o, sums);
        } else {
            down_pixels<V, 1, MIRRORED>(rows, mirror, pairs, taps, o, sums);
        }
        for (int i = 0; i < done; i++) {
            T* pixel = out + (size_t)(o + i) * c;
            store_some<WHOLE>(pixel, sums[i], count);
            prefetch(pixel + below);
        }
        o += done;
    }
}

// What a tile is made from: some output columns of one sample, for all channels in [c0, c1).
//
// Several blocks of channels go down the picture together, each with state of its own: a pixel's channels lie side by
// side, so that every cache line and every page of memory is visited by one thread and once for all of them.
template <typename V, typename T>
struct Tile {
    static constexpr int LANES = lanes_of<V>();

    const T* x;
    T* y;
    const Picture& p;
    const Taps<V>& taps;
    const float *scale, *bias;
    int c0, c1, first, last;

    int blocks() const { return (c1 - c0 + LANES - 1) / LANES; }

    template <int UP, int AHEAD>
    void up(const Columns& k, int block, int row, V* line, V* target) const {
        const int c = c0 + block * LANES, count = std::min(LANES, c1 - c);
        const Affine<V> affine(scale ? scale + c : nullptr, bias ? bias + c : nullptr, count);
        if (count == LANES)
            up_row<V, T, UP, AHEAD, true>(x, p, k, taps.up_x, affine, c, count, row, line, target);
        else
            up_row<V, T, UP, AHEAD, false>(x, p, k, taps.up_x, affine, c, count, row, line, target);
    }

    template <bool MIRRORED, int AHEAD>
    void down(int block, int row, const V* const* rows, const V* const* mirror, int pairs, const V* filter) const {
        const int c = c0 + block * LANES, count = std::min(LANES, c1 - c);
        const size_t below = row + AHEAD < p.out_h ? (size_t)AHEAD * p.out_w * p.c : 0;
        T* out = y + ((size_t)row * p.out_w + first) * p.c + c;
        if (count == LANES)
            down_row<V, T, true, MIRRORED>(rows, mirror, pairs, filter, last - first, out, p.c, count, below);
        else
            down_row<V, T, false, MIRRORED>(rows, mirror, pairs, filter, last - first, out, p.c, count, below);
    }
};

// All rows of a tile, with a down filter that is an outer product.
template <typename V, typename T, int UP>
void separable_tile(const Tile<V, T>& tile) {
    constexpr int RING = 12, FINISHED = STRIP * UP / 2, PAIR = DOWN_TAPS / 2;
    const Picture& p = tile.p;
    const Columns k = columns_of<UP>(p, tile.first, tile.last);
    const size_t wide = k.wide, state = wide * (RING + PAIR);
    const int blocks = tile.blocks();
    V* memory = (V*)scratch((state + wide * FINISHED) * blocks + k.groups + UP_TAPS);
    V* out = memory + state * blocks;
    V* line = out + wide * FINISHED * blocks;
    for (int block = 0; block < blocks; block++) {
        V* sums = memory + state * block + wide * RING;
        for (size_t i = 0; i < wide * PAIR; i++) sums[i] = V{};
    }
    const int mid_h = (p.out_h - 1) * 2 + DOWN_TAPS;
    const int i_begin = ceil_div(0 - p.top, UP), i_end = ceil_div(mid_h - 1 - p.top, UP);
    for (int i = i_begin; i <= i_end; i += STRIP) {
        const int ready = i == i_begin ? 0 : UP_TAPS - 1;  // of the strip's rows, so many are in the ring
        const int mid = i * UP + p.top - UP + 1;           // the first of the strip's upsampled rows
        const int odd = mid & 1;
        for (int r = ready; r < STRIP + UP_TAPS - 1; r++)
            for (int block = 0; block < blocks; block++)
                tile.template up<UP, STRIP>(k, block, i + r, line, memory + state * block + wide * ring_index(i + r, RING));
        for (int block = 0; block < blocks; block++) {
            V* ring = memory + state * block;
            const V* rows[STRIP + UP_TAPS - 1];
            for (int r = 0; r < STRIP + UP_TAPS - 1; r++) rows[r] = ring + wide * ring_index(i + r, RING);
            V *sums = ring + wide * RING, *finished = out + wide * FINISHED * block;
            (odd ? separable_strip<V, UP, 1> : separable_strip<V, UP, 0>)(rows, sums, finished, k.wide, tile.taps);
        }
        for (int q = 0; q < FINISHED; q++) {
            const int row = (mid - odd) / 2 + q - (PAIR - 1);
            for (int block = 0; block < blocks && row >= 0 && row < p.out_h; block++) {
                const V* source = out + wide * (FINISHED * block + q) + k.offset;
                tile.template down<false, FINISHED>(block, row, &source, nullptr, 1, tile.taps.down_x);
            }
        }
    }
}

// The same with any down filter. MIRRORED: rows k and 11 - k of the filter are equal, as radial filters have it, so
// that rows are added before they are multiplied.
template <typename V, typename T, int UP, bool MIRRORED>
void planar_tile(const Tile<V, T>& tile) {
    constexpr int RING = 8, MID = 16;
    const Picture& p = tile.p;
    const Taps<V>& taps = tile.taps;
    const Columns k = columns_of<UP>(p, tile.first, tile.last);
    const size_t wide = k.wide, state = wide * (RING + MID);
    const int blocks = tile.blocks();
    V* memory = (V*)scratch(state * blocks + k.groups + UP_TAPS);
    V* line = memory + state * blocks;
    const int mid_h = (p.out_h - 1) * 2 + DOWN_TAPS;
    const int i_begin = ceil_div(0 - p.top, UP), i_end = ceil_div(mid_h - 1 - p.top, UP);
    int done = 0;  // output rows
    for (int i = i_begin; i <= i_end; i++) {
        const int mid = i * UP + p.top - UP + 1;
        const int finished = std::max(done, std::min(p.out_h, (mid + UP - DOWN_TAPS + 2) >> 1));
        for (int block = 0; block < blocks; block++) {
            V *ring = memory + state * block, *mids = ring + wide * RING, *targets[UP];
            const V* rows[UP_TAPS];
            for (int r = 0; r < UP_TAPS; r++) {
                V* row = ring + wide * ring_index(i + r, RING);
                if (i == i_begin || r == UP_TAPS - 1) tile.template up<UP, 1>(k, block, i + r, line, row);
                rows[r] = row;
            }
            for (int u = 0; u < UP; u++) targets[u] = mids + wide * ring_index(mid + u, MID);
            for (size_t j = 0; j < wide; j++) {
                V v[UP_TAPS];
                for (int r = 0; r < UP_TAPS; r++) v[r] = rows[r][j];
                for (int u = 0; u < UP; u++)
                    targets[u][j] = activate(up_column<V, UP>(v, 0, u, taps.up_y), taps.slope, taps.clamp);
            }
            for (int row = done; row < finished; row++) {
                const V *above[DOWN_TAPS], *mirror[DOWN_TAPS];
                for (int r = 0; r < DOWN_TAPS; r++) {
                    above[r] = mids + wide * ring_index(2 * row + r, MID) + k.offset;
                    mirror[DOWN_TAPS - 1 - r] = above[r];
                }
                tile.template down<MIRRORED, UP / 2>(block, row, above, mirror, MIRRORED ? DOWN_TAPS / 2 : DOWN_TAPS,
                                                     tile.taps.down);
            }
        }
        done = finished;
    }
}

template <typename V, typename T, int UP>
auto tile_function(const Filters& f) {
    if (!f.down) return separable_tile<V, T, UP>;
    for (int k = 0; k < DOWN_TAPS / 2; k++)
        if (std::memcmp(f.down + k * DOWN_TAPS, f.down + (DOWN_TAPS - 1 - k) * DOWN_TAPS, DOWN_TAPS * sizeof(float)))
            return planar_tile<V, T, UP, false>;
    return planar_tile<V, T, UP, true>;
}

template <typename V, typename T, int UP>
void flrelu(const T* x, T* y, const Picture& p, const Filters& f, const float* scale, const float* bias,
            int tile_columns, int tile_channels, int threads) {
    const int tiles = (p.out_w + tile_columns - 1) / tile_columns;
    const int parts = (p.c + tile_channels - 1) / tile_channels;
    const size_t in_size = (size_t)p.h * p.w * p.c, out_size = (size_t)p.out_h * p.out_w * p.c;
    const long items = (long)p.n * tiles * parts;
    const auto run = tile_function<V, T, UP>(f);
    const Taps<V> taps(f, UP);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const int part = item % parts, number = item / parts % tiles, sample = item / parts / tiles;
        run({x + sample * in_size, y + sample * out_size, p, taps, scale ? scale + (size_t)sample * p.c : nullptr, bias,
             part * tile_channels, std::min(p.c, (part + 1) * tile_channels),
             (int)((long)p.out_w * number / tiles), (int)((long)p.out_w * (number + 1) / tiles)});
    }
}

}  // namespace
