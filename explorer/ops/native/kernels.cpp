// Fused passes of the generators' layers for CPUs, in channels-last order, sixteen channels at a time.
//
// Plain C++ with GCC/Clang vector extensions and no headers of torch, so that it builds in seconds with
// -march=native on the machine that runs it, and vectorises on AVX-512, AVX2 and NEON alike. Features are float32
// or bfloat16 in memory and float32 in registers. Every function returns 0, or 1 if it does not know the case.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace {

constexpr int LANES = 16;
typedef float vf __attribute__((vector_size(64)));
typedef float vfu __attribute__((vector_size(64), aligned(4)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));
typedef uint16_t vhu __attribute__((vector_size(32), aligned(2)));
struct bf16 {
    uint16_t bits;
};

inline vf splat(float a) { return vf{} + a; }

inline vf widen(vh h) { return (vf)(__builtin_convertvector(h, vu) << 16); }

inline vh narrow(vf v) {
    vu u = (vu)v;
    vu rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;  // to nearest, ties to even
    vi is_nan = v != v;                                 // rounding could turn a NaN into a zero
    return __builtin_convertvector(is_nan ? (u >> 16) | 0x40 : rounded, vh);
}

#if defined(__AVX512BF16__) && defined(__AVX512VL__)
inline vh narrow_fast(vf v) { return (vh)_mm512_cvtneps_pbh((__m512)v); }
#else
inline vh narrow_fast(vf v) { return narrow(v); }
#endif

inline vf load(const float* p) { return *(const vfu*)p; }
inline vf load(const bf16* p) { return widen(*(const vhu*)p); }
inline void store(float* p, vf v) { *(vfu*)p = v; }
inline void store(bf16* p, vf v) { *(vhu*)p = narrow_fast(v); }

template <bool WHOLE, typename T>
inline vf load_some(const T* p, int count) {
    if (WHOLE) return load(p);
    alignas(64) T lanes[LANES] = {};
    std::memcpy(lanes, p, count * sizeof(T));
    return load(lanes);
}

template <bool WHOLE, typename T>
inline void store_some(T* p, vf v, int count) {
    if (WHOLE) {
        store(p, v);
        return;
    }
    alignas(64) T lanes[LANES];
    store(lanes, v);
    std::memcpy(p, lanes, count * sizeof(T));
}

// Leaky ReLU with a slope of at most 1, and a clamp; keeps NaN.
inline vf activate(vf v, float slope, float clamp) {
#if defined(__AVX512F__)
    // These return their second operand if either is NaN.
    const __m512 a = _mm512_max_ps((__m512)(v * slope), (__m512)v);
    return (vf)_mm512_min_ps(_mm512_set1_ps(clamp), _mm512_max_ps(_mm512_set1_ps(-clamp), a));
#else
    const vf scaled = v * slope;
    v = scaled > v ? scaled : v;
    v = splat(-clamp) > v ? splat(-clamp) : v;
    return splat(clamp) < v ? splat(clamp) : v;
#endif
}

inline int ceil_div(int a, int b) { return a >= 0 ? (a + b - 1) / b : -((-a) / b); }

// Scratch memory of the running thread, kept between calls.
inline vf* scratch(size_t vectors) {
    struct Buffer {
        void* data = nullptr;
        size_t size = 0;
        ~Buffer() { std::free(data); }
    };
    thread_local Buffer buffer;
    size_t bytes = vectors * sizeof(vf);
    if (bytes > buffer.size) {
        std::free(buffer.data);
        buffer.data = std::aligned_alloc(64, bytes);
        buffer.size = bytes;
    }
    return (vf*)buffer.data;
}

// ------------------------------------------------------------------------------------------ filtered leaky ReLU

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
template <typename T, int UP, bool WHOLE>
void up_row(const T* x, const Picture& p, const Columns& k, const Filters& f, vf scale, vf bias, int c0, int count,
            int row, vf* line, vf* target) {
    if (row < 0 || row >= p.h) {
        for (int j = 0; j < k.wide; j++) target[j] = vf{};
        return;
    }
    const int length = k.groups + UP_TAPS - 1;
    const int begin = std::min(length, std::max(0, -k.i_first));
    const int end = std::max(begin, std::min(length, p.w - k.i_first));
    const T* source = x + ((size_t)row * p.w + k.i_first) * p.c + c0;
    // Rows lie far apart, so no hardware prefetcher sees that the next one comes.
    const size_t below = row + 1 < p.h ? (size_t)p.w * p.c : 0;
    for (int j = 0; j < begin; j++) line[j] = vf{};
    for (int j = begin; j < end; j++) {
        const T* pixel = source + (size_t)j * p.c;
        __builtin_prefetch(pixel + below);
        line[j] = load_some<WHOLE>(pixel, count) * scale + bias;
    }
    for (int j = end; j < length; j++) line[j] = vf{};
    vf taps[UP_TAPS * UP];
    for (int i = 0; i < UP_TAPS * UP; i++) taps[i] = splat(f.up_x[i]);
    for (int g = 0; g < k.groups; g++) {
        vf sums[UP];
        for (int phase = 0; phase < UP; phase++) sums[phase] = line[g] * taps[phase];
        for (int t = 1; t < UP_TAPS; t++)
            for (int phase = 0; phase < UP; phase++) sums[phase] += line[g + t] * taps[phase + t * UP];
        for (int phase = 0; phase < UP; phase++) target[g * UP + UP - 1 - phase] = sums[phase];
    }
}

// Upsampled row `u` of a group, before the nonlinearity: `v` are its six input rows, the oldest at `oldest`.
template <int UP>
inline vf up_column(const vf v[UP_TAPS], int oldest, int u, const float* taps) {
    vf even = v[oldest % UP_TAPS] * taps[UP - 1 - u];
    vf odd = v[(oldest + 1) % UP_TAPS] * taps[UP - 1 - u + UP];
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
template <int UP, int ODD>
void separable_strip(const vf* const* rows, vf* sums, vf* out, int wide, const Filters& f) {
    constexpr int PAIR = DOWN_TAPS / 2;
    for (int j = 0; j < wide; j++) {
        vf v[UP_TAPS], a[PAIR];
        for (int k = 0; k < UP_TAPS - 1; k++) v[k] = rows[k][j];
        for (int k = 0; k < PAIR; k++) a[k] = sums[(size_t)k * wide + j];
#pragma GCC unroll 6
        for (int s = 0; s < STRIP; s++) {
            v[(s + UP_TAPS - 1) % UP_TAPS] = rows[s + UP_TAPS - 1][j];
#pragma GCC unroll 4
            for (int u = 0; u < UP; u++) {
                const vf m = activate(up_column<UP>(v, s, u, f.up_y), f.slope, f.clamp);
                const int t = s * UP + u + ODD, parity = t & 1, q = t >> 1;
#pragma GCC unroll 6
                for (int d = 0; d < PAIR; d++) {
                    vf& sum = a[(q + PAIR * 4 - d) % PAIR];
                    sum = parity == 0 && d == 0 ? m * f.down_y[0] : sum + m * f.down_y[2 * d + parity];
                }
                if (parity == 1) out[(size_t)q * wide + j] = a[(q + 1) % PAIR];
            }
        }
        for (int k = 0; k < PAIR; k++) sums[(size_t)k * wide + j] = a[k];
    }
}

// Outputs o ... o + N - 1 of a row, from `count` pairs of rows: `sum over i of (rows[i] + mirror[i]) * taps[i]`.
template <int N, bool MIRRORED>
inline void down_pixels(const vf* const* rows, const vf* const* mirror, int count, const float* taps, int o, vf* sums) {
    for (int i = 0; i < N; i++) sums[i] = vf{};
    for (int r = 0; r < count; r++) {
        vf h[DOWN_TAPS];
        for (int k = 0; k < DOWN_TAPS; k++) h[k] = splat(taps[r * DOWN_TAPS + k]);
        const vf* a = rows[r] + 2 * o;
        const vf* b = MIRRORED ? mirror[r] + 2 * o : nullptr;
#pragma GCC unroll 64
        for (int c = 0; c < 2 * (N - 1) + DOWN_TAPS; c++) {
            const vf v = MIRRORED ? a[c] + b[c] : a[c];
#pragma GCC unroll 16
            for (int i = 0; i < N; i++)
                if (c >= 2 * i && c - 2 * i < DOWN_TAPS) sums[i] += v * h[c - 2 * i];
        }
    }
}

template <typename T, bool WHOLE, bool MIRRORED>
void down_row(const vf* const* rows, const vf* const* mirror, int pairs, const float* taps, int columns, T* out,
              int c, int count, size_t below) {
    constexpr int N = 8;
    int o = 0;
    while (o < columns) {
        vf sums[N];
        int done = 1;
        if (columns >= N) {
            o = std::min(o, columns - N);  // the last block overlaps the one before
            done = N;
            down_pixels<N, MIRRORED>(rows, mirror, pairs, taps, o, sums);
        } else {
            down_pixels<1, MIRRORED>(rows, mirror, pairs, taps, o, sums);
        }
        for (int i = 0; i < done; i++) {
            T* pixel = out + (size_t)(o + i) * c;
            store_some<WHOLE>(pixel, sums[i], count);
            __builtin_prefetch(pixel + below, 1);
        }
        o += done;
    }
}

// What a tile is made from: some output columns of one sample, for all channels in [c0, c1).
//
// Several blocks of channels go down the picture together, each with state of its own: a pixel's channels lie side by
// side, so that every cache line and every page of memory is visited by one thread and once for all of them.
template <typename T>
struct Tile {
    const T* x;
    T* y;
    const Picture& p;
    const Filters& f;
    const float *scale, *bias;
    int c0, c1, first, last;

    int blocks() const { return (c1 - c0 + LANES - 1) / LANES; }

    template <int UP>
    void up(const Columns& k, int block, int row, vf* line, vf* target) const {
        const int c = c0 + block * LANES, count = std::min(LANES, c1 - c);
        const vf s = scale ? load_some<false>(scale + c, count) : splat(1), b = bias ? load_some<false>(bias + c, count) : vf{};
        if (count == LANES)
            up_row<T, UP, true>(x, p, k, f, s, b, c, count, row, line, target);
        else
            up_row<T, UP, false>(x, p, k, f, s, b, c, count, row, line, target);
    }

    template <bool MIRRORED>
    void down(int block, int row, const vf* const* rows, const vf* const* mirror, int pairs, const float* taps) const {
        const int c = c0 + block * LANES, count = std::min(LANES, c1 - c);
        const size_t below = row + 1 < p.out_h ? (size_t)p.out_w * p.c : 0;
        T* out = y + ((size_t)row * p.out_w + first) * p.c + c;
        if (count == LANES)
            down_row<T, true, MIRRORED>(rows, mirror, pairs, taps, last - first, out, p.c, count, below);
        else
            down_row<T, false, MIRRORED>(rows, mirror, pairs, taps, last - first, out, p.c, count, below);
    }
};

// All rows of a tile, with a down filter that is an outer product.
template <typename T, int UP>
void separable_tile(const Tile<T>& tile) {
    constexpr int RING = 12, FINISHED = STRIP * UP / 2, PAIR = DOWN_TAPS / 2;
    const Picture& p = tile.p;
    const Columns k = columns_of<UP>(p, tile.first, tile.last);
    const size_t wide = k.wide, state = wide * (RING + PAIR);
    const int blocks = tile.blocks();
    vf* memory = scratch(state * blocks + wide * FINISHED + k.groups + UP_TAPS);
    vf* out = memory + state * blocks;
    vf* line = out + wide * FINISHED;
    for (int block = 0; block < blocks; block++) {
        vf* sums = memory + state * block + wide * RING;
        for (size_t i = 0; i < wide * PAIR; i++) sums[i] = vf{};
    }
    const int mid_h = (p.out_h - 1) * 2 + DOWN_TAPS;
    const int i_begin = ceil_div(0 - p.top, UP), i_end = ceil_div(mid_h - 1 - p.top, UP);
    for (int i = i_begin; i <= i_end; i += STRIP) {
        const int ready = i == i_begin ? 0 : UP_TAPS - 1;  // of the strip's rows, so many are in the ring
        const int mid = i * UP + p.top - UP + 1;           // the first of the strip's upsampled rows
        const int odd = mid & 1;
        for (int block = 0; block < blocks; block++) {
            vf* ring = memory + state * block;
            const vf* rows[STRIP + UP_TAPS - 1];
            for (int r = 0; r < STRIP + UP_TAPS - 1; r++) {
                vf* row = ring + wide * ring_index(i + r, RING);
                if (r >= ready) tile.template up<UP>(k, block, i + r, line, row);
                rows[r] = row;
            }
            (odd ? separable_strip<UP, 1> : separable_strip<UP, 0>)(rows, ring + wide * RING, out, k.wide, tile.f);
            for (int q = 0; q < FINISHED; q++) {
                const int row = (mid - odd) / 2 + q - (PAIR - 1);
                const vf* source = out + wide * q + k.offset;
                if (row >= 0 && row < p.out_h)
                    tile.template down<false>(block, row, &source, nullptr, 1, tile.f.down_x);
            }
        }
    }
}

// The same with any down filter. MIRRORED: rows k and 11 - k of the filter are equal, as radial filters have it, so
// that rows are added before they are multiplied.
template <typename T, int UP, bool MIRRORED>
void planar_tile(const Tile<T>& tile) {
    constexpr int RING = 8, MID = 16;
    const Picture& p = tile.p;
    const Columns k = columns_of<UP>(p, tile.first, tile.last);
    const size_t wide = k.wide, state = wide * (RING + MID);
    const int blocks = tile.blocks();
    vf* memory = scratch(state * blocks + k.groups + UP_TAPS);
    vf* line = memory + state * blocks;
    const int mid_h = (p.out_h - 1) * 2 + DOWN_TAPS;
    const int i_begin = ceil_div(0 - p.top, UP), i_end = ceil_div(mid_h - 1 - p.top, UP);
    int done = 0;  // output rows
    for (int i = i_begin; i <= i_end; i++) {
        const int mid = i * UP + p.top - UP + 1;
        const int finished = std::max(done, std::min(p.out_h, (mid + UP - DOWN_TAPS + 2) >> 1));
        for (int block = 0; block < blocks; block++) {
            vf *ring = memory + state * block, *mids = ring + wide * RING, *targets[UP];
            const vf* rows[UP_TAPS];
            for (int r = 0; r < UP_TAPS; r++) {
                vf* row = ring + wide * ring_index(i + r, RING);
                if (i == i_begin || r == UP_TAPS - 1) tile.template up<UP>(k, block, i + r, line, row);
                rows[r] = row;
            }
            for (int u = 0; u < UP; u++) targets[u] = mids + wide * ring_index(mid + u, MID);
            for (size_t j = 0; j < wide; j++) {
                vf v[UP_TAPS];
                for (int r = 0; r < UP_TAPS; r++) v[r] = rows[r][j];
                for (int u = 0; u < UP; u++)
                    targets[u][j] = activate(up_column<UP>(v, 0, u, tile.f.up_y), tile.f.slope, tile.f.clamp);
            }
            for (int row = done; row < finished; row++) {
                const vf *above[DOWN_TAPS], *mirror[DOWN_TAPS];
                for (int r = 0; r < DOWN_TAPS; r++) {
                    above[r] = mids + wide * ring_index(2 * row + r, MID) + k.offset;
                    mirror[DOWN_TAPS - 1 - r] = above[r];
                }
                tile.template down<MIRRORED>(block, row, above, mirror, MIRRORED ? DOWN_TAPS / 2 : DOWN_TAPS,
                                             tile.f.down);
            }
        }
        done = finished;
    }
}

template <typename T, int UP>
auto tile_function(const Filters& f) {
    if (!f.down) return separable_tile<T, UP>;
    for (int k = 0; k < DOWN_TAPS / 2; k++)
        if (std::memcmp(f.down + k * DOWN_TAPS, f.down + (DOWN_TAPS - 1 - k) * DOWN_TAPS, DOWN_TAPS * sizeof(float)))
            return planar_tile<T, UP, false>;
    return planar_tile<T, UP, true>;
}

template <typename T, int UP>
void flrelu(const T* x, T* y, const Picture& p, const Filters& f, const float* scale, const float* bias,
            int tile_columns, int tile_channels, int threads) {
    const int tiles = (p.out_w + tile_columns - 1) / tile_columns;
    const int parts = (p.c + tile_channels - 1) / tile_channels;
    const size_t in_size = (size_t)p.h * p.w * p.c, out_size = (size_t)p.out_h * p.out_w * p.c;
    const long items = (long)p.n * tiles * parts;
    const auto run = tile_function<T, UP>(f);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const int part = item % parts, number = item / parts % tiles, sample = item / parts / tiles;
        run({x + sample * in_size, y + sample * out_size, p, f, scale ? scale + (size_t)sample * p.c : nullptr, bias,
             part * tile_channels, std::min(p.c, (part + 1) * tile_channels),
             (int)((long)p.out_w * number / tiles), (int)((long)p.out_w * (number + 1) / tiles)});
    }
}

// ------------------------------------------------------------------------------------------------- epilogues

struct Finish {
    const float* scale;  // [n, c] or null
    const float* bias;   // [c] or null
    const float* noise;  // [noise_n, h, w] or null
    int noise_n;
    float slope, clamp;
};

template <typename T, bool WHOLE>
void finish_pixels(T* y, size_t pixels, int c, int c0, int count, const float* scale, const float* bias,
                   const float* noise, float slope, float clamp) {
    const vf s = scale ? load_some<WHOLE>(scale + c0, count) : splat(1);
    const vf b = bias ? load_some<WHOLE>(bias + c0, count) : vf{};
    const size_t ahead = std::max<size_t>(pixels * c, 4096);  // the next block of pixels
    for (size_t i = 0; i < pixels; i++) {
        T* q = y + i * c + c0;
        __builtin_prefetch(q + ahead, 1);
        vf v = load_some<WHOLE>((const T*)q, count) * s + b;
        if (noise) v += noise[i];
        store_some<WHOLE>(q, activate(v, slope, clamp), count);
    }
}

template <typename T>
void finish_all(T* y, int n, int h, int w, int c, const Finish& f, int threads) {
    const int chunk = std::max(1, 4096 / std::max(w, 1));  // rows of an item
    const int chunks = (h + chunk - 1) / chunk;
    const long items = (long)n * chunks;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const int sample = item / chunks, row = item % chunks * chunk, rows = std::min(chunk, h - row);
        T* q = y + ((size_t)sample * h + row) * w * c;
        const float* noise = f.noise ? f.noise + ((size_t)(f.noise_n > 1 ? sample : 0) * h + row) * w : nullptr;
        const float* scale = f.scale ? f.scale + (size_t)sample * c : nullptr;
        // A block of pixels at a time keeps it in the first-level cache for all its channels.
        const size_t pixels = (size_t)rows * w, step = std::max<size_t>(1, 8192 / std::max(c, 1));
        for (size_t start = 0; start < pixels; start += step) {
            const size_t here = std::min(step, pixels - start);
            const float* part = noise ? noise + start : nullptr;
            int c0 = 0;
            for (; c0 + LANES <= c; c0 += LANES)
                finish_pixels<T, true>(q + start * c, here, c, c0, LANES, scale, f.bias, part, f.slope, f.clamp);
            if (c0 < c)
                finish_pixels<T, false>(q + start * c, here, c, c0, c - c0, scale, f.bias, part, f.slope, f.clamp);
        }
    }
}

// The 4x4 filter after StyleGAN2's transposed convolution, and the layer's epilogue.
//
// The transposed convolution's (2h+1) x (2w+1) pixels come as four pictures: `z[a][b]` holds rows a, a+2, ... and
// columns b, b+2, ..., so it has h+1-a rows and w+1-b columns.
template <typename T>
struct Phases {
    const T* z[2][2];
    int h, w, c;
};

// One row of output columns [first, last), first and last even, filtered along x for sixteen channels.
template <bool WHOLE, typename T>
inline void fir_row(const Phases<T>& p, int row, int first, int last, int c0, int count, const float* fx, vf* line,
                    vf* target) {
    const T* even = p.z[row & 1][0] + (size_t)(row >> 1) * (p.w + 1) * p.c + c0;
    const T* odd = p.z[row & 1][1] + (size_t)(row >> 1) * p.w * p.c + c0;
    const int half = first / 2, width = last - first;
    line[0] = half > 0 ? load_some<WHOLE>(odd + (size_t)(half - 1) * p.c, count) : vf{};
    const size_t below = row + 2 <= 2 * p.h ? (size_t)(p.w + 1) * p.c : 0;
    for (int j = 0; j <= width / 2; j++) {
        __builtin_prefetch(even + (size_t)(half + j) * p.c + below);
        __builtin_prefetch(odd + (size_t)(half + j) * p.c + below);
        line[2 * j + 1] = load_some<WHOLE>(even + (size_t)(half + j) * p.c, count);
        line[2 * j + 2] = half + j < p.w ? load_some<WHOLE>(odd + (size_t)(half + j) * p.c, count) : vf{};
    }
    for (int j = 0; j < width; j++)
        target[j] = line[j] * fx[0] + line[j + 1] * fx[1] + line[j + 2] * fx[2] + line[j + 3] * fx[3];
}

template <bool WHOLE, typename T>
inline void fir_finish_row(T* out, int c, int count, int width, const vf* const r[4], const float* fy, vf s, vf b,
                           const float* noise, float slope, float clamp) {
    for (int j = 0; j < width; j++) {
        vf v = r[0][j] * fy[0] + r[1][j] * fy[1] + r[2][j] * fy[2] + r[3][j] * fy[3];
        v = v * s + b;
        if (noise) v += noise[j];
        store_some<WHOLE>(out + (size_t)j * c, activate(v, slope, clamp), count);
    }
}

// Output rows [row0, row1) of a tile of columns. All channels of a row come before the next row, so that memory is
// read and written in stretches; each row filtered along x is kept in a ring of four.
template <typename T>
void fir_tile(const Phases<T>& p, T* y, int first, int last, int row0, int row1, const float* fx, const float* fy,
              const float* scale, const Finish& f, const float* noise) {
    const int out_w = 2 * p.w, width = last - first, blocks = (p.c + LANES - 1) / LANES;
    const size_t ring_row = (size_t)blocks * width;
    vf* ring = scratch(ring_row * 4 + 2 * width + 4);
    vf* zeros = ring + ring_row * 4;
    vf* line = zeros + width;
    for (int i = 0; i < width; i++) zeros[i] = vf{};
    int ready = row0 - 1;
    for (int row = row0; row < row1; row++) {
        for (; ready <= row + 2; ready++) {
            if (ready < 0 || ready > 2 * p.h) continue;
            for (int block = 0; block < blocks; block++) {
                const int c0 = block * LANES, count = std::min(LANES, p.c - c0);
                vf* target = ring + (ready & 3) * ring_row + (size_t)block * width;
                if (count == LANES)
                    fir_row<true>(p, ready, first, last, c0, count, fx, line, target);
                else
                    fir_row<false>(p, ready, first, last, c0, count, fx, line, target);
            }
        }
        const float* noise_row = noise ? noise + (size_t)row * out_w + first : nullptr;
        T* out = y + ((size_t)row * out_w + first) * p.c;
        for (int block = 0; block < blocks; block++) {
            const int c0 = block * LANES, count = std::min(LANES, p.c - c0);
            const vf* r[4];
            for (int k = 0; k < 4; k++) {
                const int i = row - 1 + k;
                r[k] = i >= 0 && i <= 2 * p.h ? ring + (i & 3) * ring_row + (size_t)block * width : zeros;
            }
            const vf s = scale ? load_some<false>(scale + c0, count) : splat(1);
            const vf b = f.bias ? load_some<false>(f.bias + c0, count) : vf{};
            if (count == LANES)
                fir_finish_row<true>(out + c0, p.c, count, width, r, fy, s, b, noise_row, f.slope, f.clamp);
            else
                fir_finish_row<false>(out + c0, p.c, count, width, r, fy, s, b, noise_row, f.slope, f.clamp);
        }
    }
}

template <typename T>
void fir_all(const T* z00, const T* z01, const T* z10, const T* z11, T* y, int n, int h, int w, int c,
             const float* fx, const float* fy, const Finish& f, int threads) {
    const int blocks = (c + LANES - 1) / LANES;
    // A ring of about 128 kB stays in the second-level cache.
    const int tiles = std::max(1, std::min(w / 8, 2 * w * blocks / 512)), band = 32;
    const int bands = (2 * h + band - 1) / band;
    const long items = (long)n * bands * tiles;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const int tile = item % tiles, row = item / tiles % bands * band, sample = item / tiles / bands;
        const float* noise = f.noise ? f.noise + (f.noise_n > 1 ? (size_t)sample * 4 * h * w : 0) : nullptr;
        const float* scale = f.scale ? f.scale + (size_t)sample * c : nullptr;
        const size_t s = (size_t)sample * c;
        const Phases<T> p{{{z00 + s * (h + 1) * (w + 1), z01 + s * (h + 1) * w},
                           {z10 + s * h * (w + 1), z11 + s * h * w}},
                          h, w, c};
        fir_tile(p, y + s * 4 * h * w, 2 * (int)((long)w * tile / tiles), 2 * (int)((long)w * (tile + 1) / tiles),
                 row, std::min(row + band, 2 * h), fx, fy, scale, f, noise);
    }
}

// ----------------------------------------------------------------------------------------------------- ToRGB

// A row of a planar picture enlarged twice along both axes: `up[j]` for the output row `row`.
inline void upsampled_row(const float* img, int h, int w, int row, const float* fx, const float* fy, float* line,
                          float* up) {
    // Zero-stuffed and padded by 2 before, an output sees the taps of one parity.
    std::memset(line, 0, (w + 2) * sizeof(float));
    for (int k = 0; k < 4; k++) {
        const int position = row + k - 2;
        if (position < 0 || position & 1 || position / 2 >= h) continue;
        const float* source = img + (size_t)(position / 2) * w;
        for (int j = 0; j < w; j++) line[j + 1] += source[j] * fy[k];
    }
    for (int j = 0; j < w; j++) {
        up[2 * j] = line[j] * fx[0] + line[j + 1] * fx[2];
        up[2 * j + 1] = line[j + 1] * fx[1] + line[j + 2] * fx[3];
    }
}

inline float sum_of(vf v) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)v);
#else
    float lanes[LANES];
    store(lanes, v);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
#endif
}

template <typename T>
void torgb_all(const T* x, const float* img, float* y, int n, int h, int w, int c, int colours, const float* weight,
               const float* bias, const float* fx, const float* fy, float clamp, int threads) {
    const int blocks = (c + LANES - 1) / LANES;
    const long rows = (long)n * h;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < rows; item++) {
        const int sample = item / h, row = item % h;
        vf* taps = scratch((size_t)blocks * colours + 2 * (w / LANES + 2));
        float* line = (float*)(taps + (size_t)blocks * colours);
        float* up = line + (w / LANES + 2) * LANES;
        for (int k = 0; k < colours; k++)
            for (int b = 0; b < blocks; b++)
                taps[k * blocks + b] = load_some<false>(weight + ((size_t)sample * colours + k) * c + b * LANES,
                                                        std::min(LANES, c - b * LANES));
        float* out = y + ((size_t)sample * colours * h + row) * w;
        const T* source = x + (size_t)item * w * c;
        for (int j = 0; j < w; j++, source += c) {
            // The next pixels, ahead of what hardware prefetchers do; 2.5 times as fast here.
            for (int ahead = 0; ahead < c; ahead += 64 / (int)sizeof(T)) __builtin_prefetch(source + 64 * c + ahead);
            vf sums[4] = {};
            int b = 0;
            for (; (b + 1) * LANES <= c; b++) {
                const vf v = load(source + b * LANES);
                for (int k = 0; k < colours; k++) sums[k] += v * taps[k * blocks + b];
            }
            if (b < blocks) {
                const vf v = load_some<false>(source + b * LANES, c - b * LANES);
                for (int k = 0; k < colours; k++) sums[k] += v * taps[k * blocks + b];
            }
            for (int k = 0; k < colours; k++) {
                const float v = sum_of(sums[k]) + bias[k];
                out[(size_t)k * h * w + j] = v > clamp ? clamp : (v < -clamp ? -clamp : v);
            }
        }
        if (!img) continue;
        for (int k = 0; k < colours; k++) {
            upsampled_row(img + ((size_t)sample * colours + k) * (h / 2) * (w / 2), h / 2, w / 2, row, fx, fy, line, up);
            float* target = out + (size_t)k * h * w;
            for (int j = 0; j < w; j++) target[j] += up[j];
        }
    }
}

// --------------------------------------------------------------------------------------- modulated weights

// `w[o][k][i] * rows[o] * columns[i]` in one pass; `rows` may be null for 1.
template <typename T>
void modulate_all(const float* w, T* out, int o, int taps, int i, const float* rows, const float* columns,
                  int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < o; row++) {
        const vf scale = splat(rows ? rows[row] : 1);
        for (int tap = 0; tap < taps; tap++) {
            const size_t start = ((size_t)row * taps + tap) * i;
            int c = 0;
            for (; c + LANES <= i; c += LANES) store(out + start + c, load(w + start + c) * (load(columns + c) * scale));
            if (c < i) {
                const vf factor = load_some<false>(columns + c, i - c) * scale;
                store_some<false>(out + start + c, load_some<false>(w + start + c, i - c) * factor, i - c);
            }
        }
    }
}

}  // namespace

extern "C" {

// Counts up whenever the meaning of an argument changes.
int latentwalk_abi() { return 4; }

int latentwalk_filtered_lrelu(const void* x, void* y, int is_bf16, int n, int h, int w, int c, int out_h, int out_w,
                              int top, int left, int up, const float* up_x, const float* up_y, const float* down_x,
                              const float* down_y, const float* down, const float* scale, const float* bias,
                              float slope, float clamp, int tile_columns, int tile_channels, int threads) {
    const Picture p{n, h, w, c, out_h, out_w, top, left};
    const Filters f{up_x, up_y, down_x, down_y, down, slope, clamp};
    if (up != 2 && up != 4) return 1;
    if (is_bf16)
        (up == 2 ? flrelu<bf16, 2> : flrelu<bf16, 4>)((const bf16*)x, (bf16*)y, p, f, scale, bias, tile_columns,
                                                 tile_channels, threads);
    else
        (up == 2 ? flrelu<float, 2> : flrelu<float, 4>)((const float*)x, (float*)y, p, f, scale, bias, tile_columns,
                                                   tile_channels, threads);
    return 0;
}

int latentwalk_finish(void* y, int is_bf16, int n, int h, int w, int c, const float* scale, const float* bias,
                      const float* noise, int noise_n, float slope, float clamp, int threads) {
    const Finish f{scale, bias, noise, noise_n, slope, clamp};
    if (is_bf16)
        finish_all((bf16*)y, n, h, w, c, f, threads);
    else
        finish_all((float*)y, n, h, w, c, f, threads);
    return 0;
}

int latentwalk_fir_finish(const void* z00, const void* z01, const void* z10, const void* z11, void* y, int is_bf16,
                          int n, int h, int w, int c, const float* fx, const float* fy, const float* scale,
                          const float* bias, const float* noise, int noise_n, float slope, float clamp,
                          int threads) {
    const Finish f{scale, bias, noise, noise_n, slope, clamp};
    if (is_bf16)
        fir_all((const bf16*)z00, (const bf16*)z01, (const bf16*)z10, (const bf16*)z11, (bf16*)y, n, h, w, c, fx, fy,
                f, threads);
    else
        fir_all((const float*)z00, (const float*)z01, (const float*)z10, (const float*)z11, (float*)y, n, h, w, c, fx,
                fy, f, threads);
    return 0;
}

int latentwalk_modulate(const float* w, void* out, int is_bf16, int o, int taps, int i, const float* rows,
                        const float* columns, int threads) {
    if (is_bf16)
        modulate_all(w, (bf16*)out, o, taps, i, rows, columns, threads);
    else
        modulate_all(w, (float*)out, o, taps, i, rows, columns, threads);
    return 0;
}

// StyleGAN2's ToRGB: `y = upsample(img) + clamp(weight x + bias)` for up to 4 colours; y and img are planar float32.
int latentwalk_torgb(const void* x, const float* img, float* y, int is_bf16, int n, int h, int w, int c, int colours,
                     const float* weight, const float* bias, const float* fx, const float* fy, float clamp,
                     int threads) {
    if (colours < 1 || colours > 4) return 1;
    if (is_bf16)
        torgb_all((const bf16*)x, img, y, n, h, w, c, colours, weight, bias, fx, fy, clamp, threads);
    else
        torgb_all((const float*)x, img, y, n, h, w, c, colours, weight, bias, fx, fy, clamp, threads);
    return 0;
}
}
