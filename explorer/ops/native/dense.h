// A layer's styles and its demodulation: products of a matrix and a few vectors, as fast as the matrix is read.

#pragma once

#include "lanes.h"

namespace {

constexpr int PAIR = 2 * LANES;  // numbers that are multiplied together

struct Two {
    vf first, second;
};

// PAIR numbers: in order, or the even ones and the odd ones, which are quicker to tell apart than neighbours.
inline Two load_two(const float* p) { return {load(p), load(p + LANES)}; }
inline Two load_two(const bf16* p) {
    typedef uint32_t vuu __attribute__((vector_size(4 * LANES), aligned(2)));
    const vu both = *(const vuu*)p;
    return {(vf)(both << 16), (vf)(both & 0xffff0000u)};
}

// Where `load_two` puts a number.
inline int place_of(const float*, int i) { return i; }
inline int place_of(const bf16*, int i) { return i / PAIR * PAIR + i % 2 * LANES + i % PAIR / 2; }

// `sum(w * x)` for `x` in the order of `load_two`, filled with zeros.
template <typename T>
inline float row_product(const T* w, const vf* x, int count) {
    constexpr int AHEAD = 4096 / sizeof(T);  // what comes next is in no cache
    vf sums[4] = {};
    int i = 0;
    for (; i + 2 * PAIR <= count; i += 2 * PAIR, x += 4) {
        for (int line = 0; line < 2 * PAIR; line += 64 / sizeof(T)) __builtin_prefetch(w + i + AHEAD + line);
        const Two a = load_two(w + i), b = load_two(w + i + PAIR);
        sums[0] += a.first * x[0];
        sums[1] += a.second * x[1];
        sums[2] += b.first * x[2];
        sums[3] += b.second * x[3];
    }
    for (; i < count; i += PAIR, x += 2) {
        T rest[PAIR] = {};
        std::memcpy(rest, w + i, std::min(PAIR, count - i) * sizeof(T));
        const Two a = load_two(rest);
        sums[0] += a.first * x[0];
        sums[1] += a.second * x[1];
    }
    return sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// `end(row, product)` of the `o` rows of `w` with each of `n` vectors `[i]`, or their squares, into `y` `[n, o]`.
template <bool SQUARED, typename T, typename End>
void products_all(const T* w, const float* x, float* y, int n, int o, int i, int threads, End end) {
    constexpr int WORTH_A_THREAD = 1 << 14;  // products
    const size_t vectors = (size_t)(i + PAIR - 1) / PAIR * 2;
    threads = std::min(threads, 1 + (int)((long)o * i / WORTH_A_THREAD));
#pragma omp parallel num_threads(threads)
    {
        vf* ordered = scratch(vectors * n);
        for (int sample = 0; sample < n; sample++) {
            float* to = (float*)(ordered + sample * vectors);
            std::fill(to, to + vectors * LANES, 0.0f);
            for (int k = 0; k < i; k++) {
                const float v = x[(size_t)sample * i + k];
                to[place_of(w, k)] = SQUARED ? v * v : v;
            }
        }
#pragma omp for schedule(static)
        for (int row = 0; row < o; row++)
            for (int sample = 0; sample < n; sample++)
                y[(size_t)sample * o + row] = end(row, row_product(w + (size_t)row * i, ordered + sample * vectors, i));
    }
}

}  // namespace
