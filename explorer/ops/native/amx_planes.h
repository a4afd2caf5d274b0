// Features of bfloat16 as planes of 32 channels for AMX tiles, and sixteen or 32 numbers at a time on their way.

#pragma once

#include "amx.h"
#include "lanes.h"

namespace {

// The input `[h, w, c]` of convolutions that read it with `pad` zeros on each side.
struct Source {
    int h, w, c, pad;
    const bf16* x;
    const float* styles;  // [c]

    int width() const { return w + 2 * pad; }
};

#if LATENTWALK_AMX

constexpr int BLOCK = 2 * LANES;  // channels of a plane, outputs of a block, pixels of a pair of tiles

inline int blocks_of(int channels) { return (channels + BLOCK - 1) / BLOCK; }

// Bits of the first `count` of 32 numbers.
inline __mmask32 mask_of(int count) { return count >= BLOCK ? 0xffffffffu : count <= 0 ? 0 : (1u << count) - 1; }

// Words 0, 16, 1, 17, ...
inline __m512i paired_order() {
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_or_si512(lane, _mm512_slli_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(LANES)), 16));
}

struct Pair {
    vf low, high;
};

// Both halves of sixteen words as numbers.
inline Pair split(__m512i both) {
    return {(vf)_mm512_slli_epi32(both, 16), (vf)_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000))};
}

inline Pair load_pair(const float* p, __mmask32 mask) {
    const __mmask16 low = (__mmask16)mask, high = (__mmask16)(mask >> 16);
    return {(vf)_mm512_maskz_loadu_ps(low, p), (vf)_mm512_maskz_loadu_ps(high, p + LANES)};
}

// In order, the low ones first.
inline __m512i narrow_pair(vf low, vf high) { return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }

// Rows [first, first + rows) of the padded picture, scaled, as planes of 32 channels: the even ones, then the odd ones,
// because the halves of a word are quicker to tell apart than neighbours. `pack_weight` knows.
inline void pack_rows(const Source& s, const vf* scales, int first, int rows, bf16* planes, size_t plane) {
    const size_t border = (size_t)s.pad * BLOCK, width = (size_t)s.width() * BLOCK;
    for (int row = first - s.pad; row < first - s.pad + rows; row++, planes += width) {
        const bool inside = row >= 0 && row < s.h;
        for (int chunk = 0; chunk < blocks_of(s.c); chunk++) {
            bf16* line = planes + chunk * plane;
            std::fill(line, line + (inside ? border : width), bf16{});
            std::fill(line + width - border, line + width, bf16{});
        }
        if (!inside) continue;
        // All channels of a few pixels at a time, so that memory is read in one stretch.
        for (int column = 0; column < s.w; column += LANES) {
            const bf16* from = s.x + ((size_t)row * s.w + column) * s.c;
            const size_t count = std::min(LANES, s.w - column);
            for (int chunk = 0; chunk < blocks_of(s.c); chunk++, from += BLOCK) {
                const __mmask32 mask = mask_of(s.c - chunk * BLOCK);
                const vf scale_even = scales[2 * chunk], scale_odd = scales[2 * chunk + 1];
                bf16* to = planes + chunk * plane + border + (size_t)column * BLOCK;
                for (size_t j = 0; j < count; j++) {
                    __builtin_prefetch(from + (j + LANES) * s.c);
                    const Pair v = split(_mm512_maskz_loadu_epi16(mask, from + j * s.c));
                    _mm512_store_si512(to + j * BLOCK, narrow_pair(v.low * scale_even, v.high * scale_odd));
                }
            }
        }
    }
}

// The styles in the order of the planes.
inline void order_styles(const Source& s, float* scales) {
    std::fill(scales, scales + blocks_of(s.c) * BLOCK, 0.0f);
    for (int c = 0; c < s.c; c++) scales[c / BLOCK * BLOCK + c % 2 * LANES + c % BLOCK / 2] = s.styles[c];
}

#endif

}  // namespace
