// MobileStyleGAN's layers: depthwise separable convolutions, inverse Haar transforms, and heads that make a picture.

#pragma once

#include <cstddef>
#include <type_traits>

#include "lanes.h"

namespace {

// The processor's own vectors, for products whose sums must stay in registers.
#if defined(__AVX512F__)
constexpr int OWN = 16, ROWS = 12;
#elif defined(__AVX__)
constexpr int OWN = 8, ROWS = 6;
#else
constexpr int OWN = 4, ROWS = 8;
#endif
constexpr int PANEL = 2 * OWN;  // outputs at a time
typedef float vo __attribute__((vector_size(4 * OWN)));
typedef float vou __attribute__((vector_size(4 * OWN), aligned(4)));
typedef uint32_t vow __attribute__((vector_size(4 * OWN)));
typedef uint16_t voh __attribute__((vector_size(2 * OWN)));
typedef uint16_t vohu __attribute__((vector_size(2 * OWN), aligned(2)));

// Pixels of a strip: their filtered channels stay in the second-level cache. A multiple of every ROWS.
constexpr int PIXELS = 48;

// `sums[p][o] = sum_c a[p][c] * panel[c][o]` of ROWS pixels and PANEL outputs.
inline void product(const float* a, size_t pitch, const float* panel, int c, float* sums) {
    vo s[ROWS][2] = {};
    for (int k = 0; k < c; k++) {
        const vo b0 = *(const vou*)(panel + (size_t)k * PANEL), b1 = *(const vou*)(panel + (size_t)k * PANEL + OWN);
#pragma GCC unroll 16
        for (int p = 0; p < ROWS; p++) {
            const float v = a[p * pitch + k];
            s[p][0] += b0 * v;
            s[p][1] += b1 * v;
        }
    }
#pragma GCC unroll 16
    for (int p = 0; p < ROWS; p++) {
        *(vou*)(sums + p * PANEL) = s[p][0];
        *(vou*)(sums + p * PANEL + OWN) = s[p][1];
    }
}

inline vo load_own(const float* p) { return *(const vou*)p; }
inline vo load_own(const bf16* p) { return (vo)(__builtin_convertvector(*(const vohu*)p, vow) << 16); }
inline void store_own(float* p, vo v) { *(vou*)p = v; }
inline void store_own(bf16* p, vo v) {
    const vow u = (vow)v, rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;  // as `narrow`
    *(vohu*)p = __builtin_convertvector((vow)(v != v) ? (u >> 16) | 0x40 : rounded, voh);
}

template <typename T>
inline vo load_own(const T* p, int count) {
    if (count == OWN) return load_own(p);
    T lanes[OWN] = {};
    std::memcpy(lanes, p, count * sizeof(T));
    return load_own(lanes);
}

template <typename T>
inline void store_own(T* p, vo v, int count) {
    if (count == OWN) return store_own(p, v);
    T lanes[OWN];
    store_own(lanes, v);
    std::memcpy(p, lanes, count * sizeof(T));
}

// Some channels of a strip of a row, convolved with up to three rows of taps: of `rows` lines from `line`.
template <int LINES, typename T>
inline void filtered_channels(const T* line, int w, int c, int left, int count, int lanes, const vo* tap, float* a,
                              size_t pitch) {
    const size_t down = (size_t)w * c;
    const auto pixel = [&](int column, int from, int to) {
        vo sum = {};
        for (int r = 0; r < LINES; r++)
            for (int dx = from; dx <= to; dx++)
                sum += load_own(line + r * down + (ptrdiff_t)(column + dx) * c, lanes) * tap[3 * r + dx + 1];
        return sum;
    };
    int p = 0;
    if (left == 0) store_own(a, pixel(0, 0, w > 1 ? 1 : 0)), p = 1;
    const int inner = left + count == w ? count - 1 : count;
    if (lanes == OWN) {
        vo taps[3 * LINES];
        for (int t = 0; t < 3 * LINES; t++) taps[t] = tap[t];
        const T* x = line + (ptrdiff_t)(left + p - 1) * c;
        for (; p < inner; p++, x += c) {
            vo sum = {};
#pragma GCC unroll 3
            for (int r = 0; r < LINES; r++) {
                sum += load_own(x + r * down) * taps[3 * r];
                sum += load_own(x + r * down + c) * taps[3 * r + 1];
                sum += load_own(x + r * down + 2 * c) * taps[3 * r + 2];
            }
            store_own(a + p * pitch, sum);
        }
    } else
        for (; p < inner; p++) store_own(a + p * pitch, pixel(left + p, -1, 1));
    if (p < count) store_own(a + p * pitch, pixel(left + p, -1, 0));
}

// A strip of one row, columns `left` to `left + count`, convolved channel by channel: `a[p][c]`; taps are `[9][c]`.
template <typename T>
inline void filtered_strip(const T* x, int h, int w, int c, int row, int left, int count, const float* taps, float* a,
                           size_t pitch) {
    const int first = row > 0 ? row - 1 : 0, last = row + 1 < h ? row + 1 : row, skipped = first - (row - 1);
    for (int c0 = 0; c0 < c; c0 += OWN) {
        const int lanes = std::min(OWN, c - c0);
        vo tap[9];
        for (int t = 0; t < 9; t++) tap[t] = load_own(taps + (size_t)t * c + c0, lanes);
        const auto run = last - first == 2   ? filtered_channels<3, T>
                         : last - first == 1 ? filtered_channels<2, T>
                                             : filtered_channels<1, T>;
        run(x + (size_t)first * w * c + c0, w, c, left, count, lanes, tap + 3 * skipped, a + c0, pitch);
    }
}

// The depthwise taps `[9][c]` times a sample's styles.
inline void styled_taps(const float* taps, const float* styles, int c, float* out) {
    for (int t = 0; t < 9; t++)
        for (int i = 0; i < c; i++) out[(size_t)t * c + i] = taps[(size_t)t * c + i] * styles[i];
}

struct Separable {
    int n, h, w, c, o;
    const float *styles, *taps, *panels, *bias, *noise;
    int noise_n;
    float slope;
};

template <typename T>
inline void finished_pixels(const float* sums, int count, const float* noise, const float* bias, float slope, int o,
                            int o0, T* y) {
    for (int k = 0; k < PANEL && o0 + k < o; k += OWN) {
        const int lanes = std::min(OWN, o - o0 - k);
        const vo own = load_own(bias + o0 + k, lanes);
        T* target = y + o0 + k;
        for (int p = 0; p < count; p++, target += o) {
            const vo v = load_own(sums + p * PANEL + k) + own + (noise ? noise[p] : 0), scaled = v * slope;
            store_own(target, scaled > v ? scaled : v, lanes);
        }
    }
}

template <typename T>
void separable_all(const T* x, T* y, const Separable& s, int threads) {
    const int strips = (s.w + PIXELS - 1) / PIXELS, panels = (s.o + PANEL - 1) / PANEL;
    const size_t pitch = (s.c + LANES - 1) / LANES * LANES;
    const long items = (long)s.n * s.h * strips;
#pragma omp parallel num_threads(threads)
    {
        float* a = (float*)scratch((PIXELS * pitch + ROWS * PANEL + 9 * pitch) / LANES + 3);
        float *sums = a + PIXELS * pitch, *taps = sums + ROWS * PANEL + LANES;
        int styled = -1;
#pragma omp for schedule(static)
        for (long item = 0; item < items; item++) {
            // Down the columns of strips, so that rows above are in the cache still.
            const int sample = item / ((long)s.h * strips), row = item / strips % s.h;
            const int left = item % strips * PIXELS, count = std::min(PIXELS, s.w - left);
            if (styled != sample) styled_taps(s.taps, s.styles + (size_t)sample * s.c, s.c, taps), styled = sample;
            filtered_strip(x + (size_t)sample * s.h * s.w * s.c, s.h, s.w, s.c, row, left, count, taps, a, pitch);
            const size_t first = (size_t)row * s.w + left;
            const float* noise = s.noise ? s.noise + (s.noise_n > 1 ? (size_t)sample * s.h * s.w : 0) + first : nullptr;
            T* out = y + ((size_t)sample * s.h * s.w + first) * s.o;
            for (int panel = 0; panel < panels; panel++)
                for (int p = 0; p < count; p += ROWS) {
                    product(a + p * pitch, pitch, s.panels + (size_t)panel * s.c * PANEL, s.c, sums);
                    finished_pixels(sums, std::min(ROWS, count - p), noise ? noise + p : nullptr, s.bias, s.slope, s.o,
                                    panel * PANEL, out + (size_t)p * s.o);
                }
        }
    }
}

// The depthwise part alone.
template <typename T>
void depthwise_all(const T* x, T* y, int n, int h, int w, int c, const float* styles, const float* taps, int threads) {
    const int strips = (w + PIXELS - 1) / PIXELS;
    const size_t pitch = (c + LANES - 1) / LANES * LANES;
    const long items = (long)n * h * strips;
#pragma omp parallel num_threads(threads)
    {
        float* a = (float*)scratch((PIXELS + 9) * pitch / LANES);
        float* styled = a + PIXELS * pitch;
        int known = -1;
#pragma omp for schedule(static)
        for (long item = 0; item < items; item++) {
            const int sample = item / ((long)h * strips), row = item / strips % h;
            const int left = item % strips * PIXELS, count = std::min(PIXELS, w - left);
            if (known != sample) styled_taps(taps, styles + (size_t)sample * c, c, styled), known = sample;
            filtered_strip(x + (size_t)sample * h * w * c, h, w, c, row, left, count, styled, a, pitch);
            T* out = y + (((size_t)sample * h + row) * w + left) * c;
            for (int p = 0; p < count; p++, out += c)
                for (int c0 = 0; c0 < c; c0 += OWN)
                    store_own(out + c0, load_own(a + p * pitch + c0), std::min(OWN, c - c0));
        }
    }
}

// `inverse_haar(x * styles)` of `4 c` channels to `c` at twice the size.
template <typename T>
void inverse_haar_all(const T* x, T* y, int n, int h, int w, int c, const float* styles, int threads) {
    const long rows = (long)n * h;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < rows; item++) {
        const int sample = item / h;
        const T* in = x + (size_t)item * w * 4 * c;
        float* values = (float*)scratch((8 * (size_t)c + 4 * LANES) / LANES + 8);
        float* half = values + (4 * (size_t)c + LANES - 1) / LANES * LANES;
        for (int k = 0; k < 4 * c; k++) half[k] = 0.5f * styles[(size_t)sample * 4 * c + k];
        T* top = y + (size_t)item * 2 * (2 * w) * c;
        T* bottom = top + (size_t)2 * w * c;
        for (int j = 0; j < w; j++, in += 4 * c, top += 2 * c, bottom += 2 * c) {
            int k = 0;
            for (; k + LANES <= 4 * c; k += LANES) store(values + k, load(in + k) * load(half + k));
            if (k < 4 * c)
                store_some<false>(values + k, load_some<false>(in + k, 4 * c - k) * load_some<false>(half + k, 4 * c - k),
                                  4 * c - k);
            const float *low = values, *high = values + c;
            int i = 0;
            const auto block = [&](int lanes, auto whole) {
                constexpr bool WHOLE = decltype(whole)::value;
                alignas(64) float r[LANES], q[LANES], d[LANES];
                for (int l = 0; l < lanes; l++)
                    r[l] = high[3 * (i + l)], q[l] = high[3 * (i + l) + 1], d[l] = high[3 * (i + l) + 2];
                const vf a = load_some<WHOLE>(low + i, lanes), rows = load(r), columns = load(q), diagonal = load(d);
                const vf even = a + rows, odd = a - rows, across = columns + diagonal, other = columns - diagonal;
                store_some<WHOLE>(top + i, even + across, lanes);
                store_some<WHOLE>(top + c + i, even - across, lanes);
                store_some<WHOLE>(bottom + i, odd + other, lanes);
                store_some<WHOLE>(bottom + c + i, odd - other, lanes);
            };
            for (; i + LANES <= c; i += LANES) block(LANES, std::true_type());
            if (i < c) block(c - i, std::false_type());
        }
    }
}

// The picture of a head: `inverse_haar(weight (x * styles) + bias)`, planar float32; `4 colours` rows of weights.
template <typename T>
void haar_head_all(const T* x, float* y, int n, int h, int w, int c, int colours, const float* styles,
                   const float* weight, const float* bias, int threads) {
    const int outputs = 4 * colours, panels = (outputs + PANEL - 1) / PANEL;
    const long rows = (long)n * h;
#pragma omp parallel num_threads(threads)
    {
        const size_t pitch = (c + LANES - 1) / LANES * LANES, wide = (size_t)panels * PANEL;
        float* packed = (float*)scratch((wide * c + ROWS * pitch + ROWS * wide + ROWS * PANEL) / LANES + 4);
        float *a = packed + (wide * c + LANES - 1) / LANES * LANES, *sums = a + ROWS * pitch, *bands = sums + ROWS * PANEL;
        int styled = -1;
#pragma omp for schedule(static)
        for (long item = 0; item < rows; item++) {
            const int sample = item / h, row = item % h;
            if (styled != sample) {
                for (int panel = 0; panel < panels; panel++)
                    for (int k = 0; k < c; k++)
                        for (int l = 0; l < PANEL; l++) {
                            const int o = panel * PANEL + l;
                            packed[((size_t)panel * c + k) * PANEL + l] =
                                o < outputs ? weight[(size_t)o * c + k] * styles[(size_t)sample * c + k] : 0;
                        }
                styled = sample;
            }
            for (int j = 0; j < w; j += ROWS) {
                const int count = std::min(ROWS, w - j);
                for (int p = 0; p < count; p++) {
                    const T* in = x + ((size_t)item * w + j + p) * c;
                    int k = 0;
                    for (; k + LANES <= c; k += LANES) store(a + p * pitch + k, load(in + k));
                    if (k < c) store_some<false>(a + p * pitch + k, load_some<false>(in + k, c - k), c - k);
                }
                for (int panel = 0; panel < panels; panel++) {
                    product(a, pitch, packed + (size_t)panel * c * PANEL, c, sums);
                    for (int p = 0; p < count; p++)
                        std::memcpy(bands + p * wide + panel * PANEL, sums + p * PANEL, PANEL * sizeof(float));
                }
                for (int k = 0; k < colours; k++) {
                    float* top = y + (((size_t)sample * colours + k) * 2 * h + 2 * row) * 2 * w + 2 * j;
                    float* bottom = top + 2 * w;
                    for (int p = 0; p < count; p++) {
                        const float* b = bands + p * wide;
                        const int d = colours + 3 * k;
                        const float low = b[k] + bias[k], r = b[d] + bias[d], q = b[d + 1] + bias[d + 1],
                                    diagonal = b[d + 2] + bias[d + 2];
                        top[2 * p] = 0.5f * (low + r + q + diagonal);
                        top[2 * p + 1] = 0.5f * (low + r - q - diagonal);
                        bottom[2 * p] = 0.5f * (low - r + q - diagonal);
                        bottom[2 * p + 1] = 0.5f * (low - r - q + diagonal);
                    }
                }
            }
        }
    }
}

}  // namespace
