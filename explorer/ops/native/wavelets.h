// MobileStyleGAN's layers: depthwise separable convolutions, inverse Haar transforms, and heads that make a picture.

#pragma once

#include <cmath>
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

// A strip of one row, columns `left` to `left + count`, convolved channel by channel: `a[p][c]`; taps are `[9][c]`.
template <typename T>
inline void filtered_strip(const T* x, int h, int w, int c, int row, int left, int count, const float* taps, float* a,
                           size_t pitch) {
    const auto block = [&](int c0, int lanes, auto whole) {
        constexpr bool WHOLE = decltype(whole)::value;
        vf tap[9];
        for (int t = 0; t < 9; t++) tap[t] = load_some<WHOLE>(taps + (size_t)t * c + c0, lanes);
        for (int p = 0; p < count; p++) {
            const int column = left + p;
            vf sum = {};
            for (int dy = -1; dy <= 1; dy++) {
                if (row + dy < 0 || row + dy >= h) continue;
                const T* line = x + ((size_t)(row + dy) * w + column) * c + c0;
                const vf* t = tap + 3 * (dy + 1);
                if (column > 0) sum += load_some<WHOLE>(line - c, lanes) * t[0];
                sum += load_some<WHOLE>(line, lanes) * t[1];
                if (column + 1 < w) sum += load_some<WHOLE>(line + c, lanes) * t[2];
            }
            store(a + p * pitch + c0, sum);
        }
    };
    int c0 = 0;
    for (; c0 + LANES <= c; c0 += LANES) block(c0, LANES, std::true_type());
    if (c0 < c) block(c0, c - c0, std::false_type());
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
    const int outputs = std::min(PANEL, o - o0);
    for (int p = 0; p < count; p++) {
        const float grain = noise ? noise[p] : 0;
        for (int k = 0; k < outputs; k += LANES) {
            const int lanes = std::min(LANES, outputs - k);
            alignas(64) float own[LANES] = {};
            std::memcpy(own, sums + p * PANEL + k, std::min(LANES, PANEL - k) * sizeof(float));
            const vf v = load(own) + (load_some<false>(bias + o0 + k, lanes) + splat(grain));
            const vf done = activate(v, splat(slope), splat(INFINITY));
            if (lanes == LANES)
                store(y + (size_t)p * o + o0 + k, done);
            else
                store_some<false>(y + (size_t)p * o + o0 + k, done, lanes);
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
            for (int p = 0; p < count; p++) {
                T* out = y + (((size_t)sample * h + row) * w + left + p) * c;
                int c0 = 0;
                for (; c0 + LANES <= c; c0 += LANES) store(out + c0, load(a + p * pitch + c0));
                if (c0 < c) store_some<false>(out + c0, load(a + p * pitch + c0), c - c0);
            }
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
