// Sixteen channels at a time: vectors, their conversions, and scratch memory of a thread.

#pragma once

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

}  // namespace
