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

constexpr int RGB_PIXELS = 4;  // at a time: they share what is loaded of the weights

// `weight * styles` of one picture as `taps[block][colour]`, zeros after the last channel.
inline void modulated_taps(const float* weight, const float* styles, int c, int colours, vf* taps) {
    for (int c0 = 0; c0 < c; c0 += LANES)
        for (int k = 0; k < colours; k++) {
            const int count = std::min(LANES, c - c0);
            *taps++ = load_some<false>(weight + (size_t)k * c + c0, count) * load_some<false>(styles + c0, count);
        }
}

// The colours of four pixels, or of `count` of them, whose rows of `c` channels begin at `x`.
template <int COLOURS, typename T>
inline void colours_of(const T* x, int c, int count, const vf* taps, float (*colours)[RGB_PIXELS]) {
    const T* pixels[RGB_PIXELS];
    for (int p = 0; p < RGB_PIXELS; p++) pixels[p] = x + (size_t)std::min(p, count - 1) * c;
    // What comes next, ahead of what hardware prefetchers do; 2.5 times as fast here.
    const size_t ahead = std::max(4096 / (int)sizeof(T), RGB_PIXELS * c);
    vf sums[COLOURS][RGB_PIXELS] = {};
    int c0 = 0;
    for (; c0 + LANES <= c; c0 += LANES, taps += COLOURS)
        for (int p = 0; p < RGB_PIXELS; p++) {
            __builtin_prefetch(pixels[p] + c0 + ahead);
            const vf v = load(pixels[p] + c0);
            for (int k = 0; k < COLOURS; k++) sums[k][p] += v * taps[k];
        }
    if (c0 < c)
        for (int p = 0; p < RGB_PIXELS; p++) {
            const vf v = load_some<false>(pixels[p] + c0, c - c0);
            for (int k = 0; k < COLOURS; k++) sums[k][p] += v * taps[k];
        }
    for (int k = 0; k < COLOURS; k++) sums_of(sums[k], colours[k]);
}

template <int COLOURS, typename T>
void torgb_all(const T* x, const float* img, float* y, int n, int h, int w, int c, const float* styles,
               const float* weight, const float* bias, const float* fx, const float* fy, float clamp, int threads) {
    const int blocks = (c + LANES - 1) / LANES;
    const long rows = (long)n * h;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < rows; item++) {
        const int sample = item / h, row = item % h;
        vf* taps = scratch((size_t)blocks * COLOURS + 2 * (w / LANES + 2));
        float* line = (float*)(taps + (size_t)blocks * COLOURS);
        float* up = line + (w / LANES + 2) * LANES;
        modulated_taps(weight, styles + (size_t)sample * c, c, COLOURS, taps);
        float* out = y + ((size_t)sample * COLOURS * h + row) * w;
        const T* source = x + (size_t)item * w * c;
        for (int j = 0; j < w; j += RGB_PIXELS, source += RGB_PIXELS * c) {
            float colours[COLOURS][RGB_PIXELS];
            const int count = std::min(RGB_PIXELS, w - j);
            colours_of<COLOURS>(source, c, count, taps, colours);
            for (int k = 0; k < COLOURS; k++)
                for (int p = 0; p < count; p++) {
                    const float v = colours[k][p] + bias[k];
                    out[(size_t)k * h * w + j + p] = v > clamp ? clamp : (v < -clamp ? -clamp : v);
                }
        }
        if (!img) continue;
        for (int k = 0; k < COLOURS; k++) {
            upsampled_row(img + ((size_t)sample * COLOURS + k) * (h / 2) * (w / 2), h / 2, w / 2, row, fx, fy, line, up);
            float* target = out + (size_t)k * h * w;
            for (int j = 0; j < w; j++) target[j] += up[j];
        }
    }
}

}  // namespace
