// What follows StyleGAN2's convolutions: scale, bias, noise, activation, and the filter of the up-convolutions.

#pragma once

#include "lanes.h"

namespace {

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
inline void fir_row(const Phases<T>& p, int row, int first, int last, int c0, int count, const float* fx, vf* target) {
    const size_t at = row >> 1;
    const T* even = p.z[row & 1][0] + (at * (p.w + 1) + first / 2) * p.c + c0;
    const T* odd = p.z[row & 1][1] + (at * p.w + first / 2) * p.c + c0;
    const size_t below = row + 2 <= 2 * p.h ? (size_t)(p.w + 1) * p.c : 0;
    const vf f0 = splat(fx[0]), f1 = splat(fx[1]), f2 = splat(fx[2]), f3 = splat(fx[3]);
    vf odd_before = first > 0 ? load_some<WHOLE>(odd - p.c, count) : vf{}, even_here = load_some<WHOLE>(even, count);
    for (int j = first; j < last; j += 2, target += 2, odd += p.c) {
        even += p.c;
        __builtin_prefetch(even + below);
        __builtin_prefetch(odd + below);
        const vf odd_here = load_some<WHOLE>(odd, count), even_next = load_some<WHOLE>(even, count);
        const vf odd_next = j + 2 < 2 * p.w ? load_some<WHOLE>(odd + p.c, count) : vf{};
        target[0] = odd_before * f0 + even_here * f1 + (odd_here * f2 + even_next * f3);
        target[1] = even_here * f0 + odd_here * f1 + (even_next * f2 + odd_next * f3);
        odd_before = odd_here;
        even_here = even_next;
    }
}

template <bool WHOLE, typename T>
inline void fir_finish_row(T* out, int c, int count, int width, const vf* const r[4], const vf* fy, vf b,
                           const float* noise, float slope, float clamp) {
    // In registers: the compiler cannot know that `out` is none of these.
    const vf *r0 = r[0], *r1 = r[1], *r2 = r[2], *r3 = r[3];
    const vf f0 = fy[0], f1 = fy[1], f2 = fy[2], f3 = fy[3];
    for (int j = 0; j < width; j++) {
        __builtin_prefetch(out + (size_t)(j + 32) * c, 1);
        vf v = r0[j] * f0 + (r1[j] * f1 + b) + (r2[j] * f2 + r3[j] * f3);
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
    vf* ring = scratch(ring_row * 4 + width);
    vf* zeros = ring + ring_row * 4;
    for (int i = 0; i < width; i++) zeros[i] = vf{};
    int ready = row0 - 1;
    for (int row = row0; row < row1; row++) {
        for (; ready <= row + 2; ready++) {
            if (ready < 0 || ready > 2 * p.h) continue;
            for (int block = 0; block < blocks; block++) {
                const int c0 = block * LANES, count = std::min(LANES, p.c - c0);
                vf* target = ring + (ready & 3) * ring_row + (size_t)block * width;
                if (count == LANES)
                    fir_row<true>(p, ready, first, last, c0, count, fx, target);
                else
                    fir_row<false>(p, ready, first, last, c0, count, fx, target);
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
            const vf taps[4] = {s * fy[0], s * fy[1], s * fy[2], s * fy[3]};
            if (count == LANES)
                fir_finish_row<true>(out + c0, p.c, count, width, r, taps, b, noise_row, f.slope, f.clamp);
            else
                fir_finish_row<false>(out + c0, p.c, count, width, r, taps, b, noise_row, f.slope, f.clamp);
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

}  // namespace
