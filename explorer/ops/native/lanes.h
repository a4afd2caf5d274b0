// Sixteen channels at a time, or eight: vectors, their conversions, and scratch memory of a thread.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

// Whether float16 can be computed with: twice the numbers in a vector.
#if defined(__AVX512FP16__) && defined(__AVX512BF16__) && defined(__AVX512BW__)
#define LATENTWALK_HALF 1
#else
#define LATENTWALK_HALF 0
#endif

namespace {

// Without AVX-512, vectors of sixteen would be two registers each, and the dozen that a filter holds would not fit.
#if defined(__AVX512F__)
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
typedef float vf __attribute__((vector_size(4 * LANES)));
typedef float vfu __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
typedef uint16_t vh __attribute__((vector_size(2 * LANES)));
typedef uint16_t vhu __attribute__((vector_size(2 * LANES), aligned(2)));
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

// The sums of four vectors.
inline void sums_of(const vf v[4], float sums[4]) {
#if defined(__AVX512F__)
    const auto halves = [](vf a, vf b) {
        return (__m512d)(_mm512_unpacklo_ps((__m512)a, (__m512)b) + _mm512_unpackhi_ps((__m512)a, (__m512)b));
    };
    const __m512d ab = halves(v[0], v[1]), cd = halves(v[2], v[3]);
    const vf quarters = (vf)_mm512_unpacklo_pd(ab, cd) + (vf)_mm512_unpackhi_pd(ab, cd);  // a b c d, four times
    const __m256 two = (__m256)_mm512_castpd512_pd256((__m512d)quarters) +
                       (__m256)_mm512_extractf64x4_pd((__m512d)quarters, 1);
    _mm_storeu_ps(sums, _mm256_castps256_ps128(two) + _mm256_extractf128_ps(two, 1));
#elif defined(__AVX__)
    const __m256 ab = _mm256_hadd_ps((__m256)v[0], (__m256)v[1]), cd = _mm256_hadd_ps((__m256)v[2], (__m256)v[3]);
    const __m256 halves = _mm256_hadd_ps(ab, cd);  // a b c d, twice
    _mm_storeu_ps(sums, _mm256_castps256_ps128(halves) + _mm256_extractf128_ps(halves, 1));
#else
    for (int i = 0; i < 4; i++) sums[i] = sum_of(v[i]);
#endif
}

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

// Arithmetic on vectors of a type V: LANES float32, or, where the processor can, thirty-two float16.
template <typename V>
constexpr int lanes_of() {
    return LANES;
}

template <typename V>
inline V splat_as(float a) {
    return splat(a);
}

// Factor and summand of each of some channels, which numbers get in float32 when they are loaded.
template <typename V>
struct Affine {
    vf scale, bias;

    Affine(const float* scales, const float* biases, int count)
        : scale(scales ? load_some<false>(scales, count) : splat(1)), bias(biases ? load_some<false>(biases, count) : vf{}) {}

    template <bool WHOLE, typename T>
    vf load(const T* p, int count) const {
        return load_some<WHOLE>(p, count) * scale + bias;
    }
};

template <typename V>
inline void splat_all(const float* from, V* to, int count) {
    for (int i = 0; i < count; i++) to[i] = splat_as<V>(from[i]);
}

constexpr float HALF_LIMIT = 4096;  // of numbers that are loaded into float16

#if LATENTWALK_HALF
typedef _Float16 vq __attribute__((vector_size(64)));

template <>
constexpr int lanes_of<vq>() {
    return 2 * LANES;
}

template <>
inline vq splat_as<vq>(float a) {
    return vq{} + (_Float16)a;
}

inline __mmask32 first_lanes(int count) { return count >= 2 * LANES ? ~0u : (1u << count) - 1; }

template <>
struct Affine<vq> {
    Affine<vf> low, high;

    Affine(const float* scales, const float* biases, int count)
        : low(scales, biases, std::min(count, LANES)),
          high(scales ? scales + LANES : nullptr, biases ? biases + LANES : nullptr, std::max(0, count - LANES)) {}

    // What is larger becomes HALF_LIMIT, so that sums of a filter's products stay finite; keeps NaN.
    template <bool WHOLE>
    vq load(const bf16* p, int count) const {
        const __m512i v = WHOLE ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16(first_lanes(count), p);
        const vf a = widen((vh)_mm512_castsi512_si256(v)) * low.scale + low.bias;
        const vf b = widen((vh)_mm512_extracti64x4_epi64(v, 1)) * high.scale + high.bias;
        const __m256i halves[2] = {(__m256i)_mm512_cvtxps_ph((__m512)a), (__m256i)_mm512_cvtxps_ph((__m512)b)};
        const __m512h both = (__m512h)_mm512_inserti64x4(_mm512_castsi256_si512(halves[0]), halves[1], 1);
        const __m512h limit = (__m512h)splat_as<vq>(HALF_LIMIT);
        return (vq)_mm512_min_ph(limit, _mm512_max_ph(-limit, both));
    }
};

template <bool WHOLE>
inline void store_some(bf16* p, vq v, int count) {
    const __m512 low = _mm512_cvtxph_ps((__m256h)_mm512_castsi512_si256((__m512i)v));
    const __m512 high = _mm512_cvtxph_ps((__m256h)_mm512_extracti64x4_epi64((__m512i)v, 1));
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    if (WHOLE)
        _mm512_storeu_si512(p, both);
    else
        _mm512_mask_storeu_epi16(p, first_lanes(count), both);
}

inline vq activate(vq v, vq slope, vq clamp) {
    const __m512h a = _mm512_max_ph((__m512h)(v * slope), (__m512h)v);  // the second operand if either is NaN
    return (vq)_mm512_min_ph((__m512h)clamp, _mm512_max_ph((__m512h)-clamp, a));
}
#endif

// Leaky ReLU with a slope of at most 1, and a clamp; keeps NaN.
inline vf activate(vf v, vf slope, vf clamp) {
#if defined(__AVX512F__)
    // These return their second operand if either is NaN.
    const __m512 a = _mm512_max_ps((__m512)(v * slope), (__m512)v);
    return (vf)_mm512_min_ps((__m512)clamp, _mm512_max_ps((__m512)-clamp, a));
#elif defined(__AVX__)
    const __m256 a = _mm256_max_ps((__m256)(v * slope), (__m256)v);
    return (vf)_mm256_min_ps((__m256)clamp, _mm256_max_ps((__m256)-clamp, a));
#else
    const vf scaled = v * slope;
    v = scaled > v ? scaled : v;
    v = -clamp > v ? -clamp : v;
    return clamp < v ? clamp : v;
#endif
}

inline vf activate(vf v, float slope, float clamp) { return activate(v, splat(slope), splat(clamp)); }

// Into the second-level cache: what comes later would push it out of the first.
inline void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

inline int ceil_div(int a, int b) { return a >= 0 ? (a + b - 1) / b : -((-a) / b); }

#if defined(_WIN32)  // which has no aligned_alloc
inline void* new_lines(size_t bytes) { return _aligned_malloc(bytes, 64); }
inline void delete_lines(void* p) { _aligned_free(p); }
#else
inline void* new_lines(size_t bytes) { return std::aligned_alloc(64, bytes); }
inline void delete_lines(void* p) { std::free(p); }
#endif

// Scratch memory of the running thread, kept between calls.
inline vf* scratch(size_t vectors) {
    struct Buffer {
        void* data = nullptr;
        size_t size = 0;
        ~Buffer() { delete_lines(data); }
    };
    thread_local Buffer buffer;
    size_t bytes = vectors * sizeof(vf);
    if (bytes > buffer.size) {
        delete_lines(buffer.data);
        buffer.data = new_lines(bytes);
        buffer.size = bytes;
    }
    return (vf*)buffer.data;
}

}  // namespace
