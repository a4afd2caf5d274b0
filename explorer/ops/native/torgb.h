// StyleGAN2's ToRGB with the enlargement of the picture so far.

#pragma once

#include "lanes.h"

namespace {

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

template <typename T>
void torgb_all(const T* x, const float* img, float* y, int n, int h, int w, int c, int colours, const float* styles,
               const float* weight, const float* bias, const float* fx, const float* fy, float clamp, int threads) {
    const int blocks = (c + LANES - 1) / LANES;
    const long rows = (long)n * h;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < rows; item++) {
        const int sample = item / h, row = item % h;
        vf* taps = scratch((size_t)blocks * colours + 2 * (w / LANES + 2));
        float* line = (float*)(taps + (size_t)blocks * colours);
        float* up = line + (w / LANES + 2) * LANES;
        for (int k = 0; k < colours; k++)
            for (int b = 0; b < blocks; b++) {
                const int c0 = b * LANES, count = std::min(LANES, c - c0);
                const vf style = load_some<false>(styles + (size_t)sample * c + c0, count);
                taps[k * blocks + b] = load_some<false>(weight + (size_t)k * c + c0, count) * style;
            }
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

}  // namespace
