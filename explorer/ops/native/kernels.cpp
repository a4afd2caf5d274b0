// Fused passes of the generators' layers for CPUs, in channels-last order, sixteen channels at a time.
//
// Plain C++ with GCC/Clang vector extensions and no headers of torch, so that it builds in seconds with
// -march=native on the machine that runs it, and vectorises on AVX-512, AVX2 and NEON alike. Features are float32
// or bfloat16 in memory and float32 in registers. Every function returns 0, or 1 if it does not know the case.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

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

inline vf load(const float* p) { return *(const vfu*)p; }
inline vf load(const bf16* p) { return widen(*(const vhu*)p); }
inline void store(float* p, vf v) { *(vfu*)p = v; }
inline void store(bf16* p, vf v) { *(vhu*)p = narrow(v); }

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

inline vf at_most(vf v, vf limit) { return v < limit ? v : limit; }
inline vf at_least(vf v, vf limit) { return v > limit ? v : limit; }

inline vf activate(vf v, float slope, float clamp) {
    v = v < vf{} ? v * slope : v;
    return v > splat(clamp) ? splat(clamp) : (v < splat(-clamp) ? splat(-clamp) : v);  // keeps NaN
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

struct Picture {
    int n, h, w, c;    // input
    int out_h, out_w;  // output
    int top, left;     // padding, in upsampled pixels
};

struct Filters {
    const float* up_x;    // [K * UP], in correlation order, gains included
    const float* up_y;    // [K * UP]
    const float* down_x;  // [RANK][KD]
    const float* down_y;  // [RANK][KD]
    float slope, clamp;
};

// One tile: all rows of output columns [first, last) for the channels from c0 on.
//
// Each input row is upsampled along x into a ring of rows; each group of UP upsampled rows comes from K rows of that
// ring, goes through the nonlinearity and is downsampled along x into a second ring, from which output rows come.
template <typename T, int UP, int K, int DOWN, int KD, int RANK, bool WHOLE>
void flrelu_tile(const T* x, T* y, const Picture& p, const Filters& f, const float* scale, const float* bias, int c0,
                 int count, int first, int last) {
    constexpr int RING = 8, DOWN_RING = 16;
    static_assert(K <= RING && KD <= DOWN_RING, "rings hold what a group needs");
    const int columns = last - first;
    const int mid_first = first * DOWN, mid_last = (last - 1) * DOWN + KD;
    const int i_first = ceil_div(mid_first - p.left, UP), i_last = ceil_div(mid_last - 1 - p.left, UP);
    const int groups = i_last - i_first + 1, row_length = groups + K - 1;
    const int wide = groups * UP;                                           // upsampled columns that are computed
    const int offset = mid_first - (i_first * UP + p.left - UP + 1);        // where mid_first lies among them
    const int mid_h = (p.out_h - 1) * DOWN + KD;

    vf* memory = scratch(row_length + (size_t)wide * (RING + 1 + UP) + (size_t)columns * DOWN_RING * RANK);
    vf* row = memory;
    vf* ring = row + row_length;
    vf* zeros = ring + (size_t)wide * RING;
    vf* mid = zeros + wide;
    vf* narrow_ring = mid + (size_t)wide * UP;
    for (int i = 0; i < wide; i++) zeros[i] = vf{};

    const vf row_scale = scale ? load_some<WHOLE>(scale + c0, count) : splat(1);
    const vf row_bias = bias ? load_some<WHOLE>(bias + c0, count) : vf{};
    const int i_begin = ceil_div(0 - p.top, UP), i_end = ceil_div(mid_h - 1 - p.top, UP);
    int ready = i_begin;  // rows before this one are in the ring
    for (int i = i_begin; i <= i_end; i++) {
        for (; ready < i + K; ready++) {
            if (ready < 0 || ready >= p.h) continue;
            const T* source = x + (size_t)ready * p.w * p.c + c0;
            // Rows lie far apart, so no hardware prefetcher sees that the next one comes.
            const size_t below = ready + 1 < p.h ? (size_t)p.w * p.c : 0;
            for (int j = 0; j < row_length; j++) {
                const int column = i_first + j;
                if (column < 0 || column >= p.w) {
                    row[j] = vf{};
                    continue;
                }
                const T* pixel = source + (size_t)column * p.c;
                __builtin_prefetch(pixel + below);
                row[j] = load_some<WHOLE>(pixel, count) * row_scale + row_bias;
            }
            vf* target = ring + (size_t)(ready & (RING - 1)) * wide;
            for (int g = 0; g < groups; g++) {
                vf v[K];
                for (int k = 0; k < K; k++) v[k] = row[g + k];
                for (int phase = 0; phase < UP; phase++) {
                    vf sum = v[0] * f.up_x[phase];
                    for (int k = 1; k < K; k++) sum += v[k] * f.up_x[phase + k * UP];
                    target[g * UP + UP - 1 - phase] = sum;
                }
            }
        }
        const vf* rows[K];
        for (int k = 0; k < K; k++)
            rows[k] = i + k >= 0 && i + k < p.h ? ring + (size_t)((i + k) & (RING - 1)) * wide : zeros;
        for (int j = 0; j < wide; j++) {
            vf v[K];
            for (int k = 0; k < K; k++) v[k] = rows[k][j];
            for (int phase = 0; phase < UP; phase++) {
                vf sum = v[0] * f.up_y[phase];
                for (int k = 1; k < K; k++) sum += v[k] * f.up_y[phase + k * UP];
                mid[(size_t)(UP - 1 - phase) * wide + j] = activate(sum, f.slope, f.clamp);
            }
        }
        for (int u = 0; u < UP; u++) {
            const int m = i * UP + p.top - UP + 1 + u;  // this upsampled row
            if (m < 0 || m >= mid_h) continue;
            const vf* line = mid + (size_t)u * wide + offset;
            vf* target = narrow_ring + (size_t)(m & (DOWN_RING - 1)) * columns * RANK;
            for (int o = 0; o < columns; o++) {
                const vf* v = line + o * DOWN;
                for (int r = 0; r < RANK; r++) {
                    vf even = v[0] * f.down_x[r * KD], odd = v[1] * f.down_x[r * KD + 1];
                    for (int k = 2; k < KD; k += 2) {
                        even += v[k] * f.down_x[r * KD + k];
                        odd += v[k + 1] * f.down_x[r * KD + k + 1];
                    }
                    target[r * columns + o] = even + odd;
                }
            }
            const int start = m - KD + 1;
            if (start < 0 || start % DOWN) continue;
            T* out = y + ((size_t)(start / DOWN) * p.out_w + first) * p.c + c0;
            const vf* taps[KD];
            for (int k = 0; k < KD; k++)
                taps[k] = narrow_ring + (size_t)((start + k) & (DOWN_RING - 1)) * columns * RANK;
            for (int o = 0; o < columns; o++) {
                vf even = vf{}, odd = vf{};
                for (int r = 0; r < RANK; r++)
                    for (int k = 0; k < KD; k += 2) {
                        even += taps[k][r * columns + o] * f.down_y[r * KD + k];
                        odd += taps[k + 1][r * columns + o] * f.down_y[r * KD + k + 1];
                    }
                store_some<WHOLE>(out + (size_t)o * p.c, even + odd, count);
                if (start / DOWN + 1 < p.out_h) __builtin_prefetch(out + ((size_t)p.out_w + o) * p.c, 1);
            }
        }
    }
}

template <typename T, int UP, int K, int DOWN, int KD, int RANK>
void flrelu(const T* x, T* y, const Picture& p, const Filters& f, const float* scale, const float* bias,
            int tile_width, int threads) {
    const int blocks = (p.c + LANES - 1) / LANES;
    const int tiles = (p.out_w + tile_width - 1) / tile_width;
    const size_t in_size = (size_t)p.h * p.w * p.c, out_size = (size_t)p.out_h * p.out_w * p.c;
    const long items = (long)p.n * blocks * tiles;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const int tile = item % tiles, block = item / tiles % blocks, sample = item / tiles / blocks;
        const int c0 = block * LANES, count = std::min(LANES, p.c - c0);
        const int first = (int)((long)p.out_w * tile / tiles), last = (int)((long)p.out_w * (tile + 1) / tiles);
        const float* s = scale ? scale + (size_t)sample * p.c : nullptr;
        auto run = count == LANES ? flrelu_tile<T, UP, K, DOWN, KD, RANK, true>
                                  : flrelu_tile<T, UP, K, DOWN, KD, RANK, false>;
        run(x + sample * in_size, y + sample * out_size, p, f, s, bias, c0, count, first, last);
    }
}

template <typename T, int UP>
int flrelu_of_rank(const void* x, void* y, const Picture& p, const Filters& f, const float* scale, const float* bias,
                   int rank, int tile, int threads) {
    const T* a = (const T*)x;
    T* b = (T*)y;
    switch (rank) {
        case 1: flrelu<T, UP, 6, 2, 12, 1>(a, b, p, f, scale, bias, tile, threads); return 0;
        case 2: flrelu<T, UP, 6, 2, 12, 2>(a, b, p, f, scale, bias, tile, threads); return 0;
        case 3: flrelu<T, UP, 6, 2, 12, 3>(a, b, p, f, scale, bias, tile, threads); return 0;
        case 4: flrelu<T, UP, 6, 2, 12, 4>(a, b, p, f, scale, bias, tile, threads); return 0;
        default: return 1;
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
    for (size_t i = 0; i < pixels; i++) {
        T* q = y + i * c + c0;
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
    for (int j = 0; j <= width / 2; j++) {
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
    float total = 0;
    for (int i = 0; i < LANES; i++) total += v[i];
    return total;
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

}  // namespace

extern "C" {

// Counts up whenever the meaning of an argument changes.
int latentwalk_abi() { return 2; }

int latentwalk_filtered_lrelu(const void* x, void* y, int is_bf16, int n, int h, int w, int c, int out_h, int out_w,
                              int top, int left, int up, int rank, const float* up_x, const float* up_y,
                              const float* down_x, const float* down_y, const float* scale, const float* bias,
                              float slope, float clamp, int tile, int threads) {
    const Picture p{n, h, w, c, out_h, out_w, top, left};
    const Filters f{up_x, up_y, down_x, down_y, slope, clamp};
    if (up == 2)
        return is_bf16 ? flrelu_of_rank<bf16, 2>(x, y, p, f, scale, bias, rank, tile, threads)
                       : flrelu_of_rank<float, 2>(x, y, p, f, scale, bias, rank, tile, threads);
    if (up == 4)
        return is_bf16 ? flrelu_of_rank<bf16, 4>(x, y, p, f, scale, bias, rank, tile, threads)
                       : flrelu_of_rank<float, 4>(x, y, p, f, scale, bias, rank, tile, threads);
    return 1;
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
