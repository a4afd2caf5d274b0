// StyleGAN2's up-sampling convolution on AMX: the transposed convolution's phases and their filter, band by band.

#pragma once

#include "amx_conv.h"
#include "epilogues.h"

namespace {

struct UpConv {
    Source source;       // with one zero on each side
    int o;
    const bf16* weight;  // of the four phases, one after the other
    bf16* y;             // [2 h, 2 w, o]
    const float *fx, *fy;
    const float* scale;  // [o] or null
    const float* noise;  // [2 h, 2 w] or null
};

#if LATENTWALK_AMX

// The filter: pixels of `z` hold 32 channels, k and k + 16 side by side.
struct UpFilter {
    const bf16* z;  // rows and columns from -1 on, in the transposed convolution's counting
    int z_width;
    const float *fx, *fy;
    float slope, clamp;
};

// `width` filtered pixels from `from` on.
inline void filter_row(const bf16* from, int width, const float* fx, size_t below, Pair* to) {
    const vf f0 = splat(fx[0]), f1 = splat(fx[1]), f2 = splat(fx[2]), f3 = splat(fx[3]);
    const auto pixel = [](const bf16* p) { return split(_mm512_load_si512(p)); };
    Pair a = pixel(from), b = pixel(from + BLOCK), c = pixel(from + 2 * BLOCK);
    from += 3 * BLOCK;
    for (int j = 0; j < width; j++, from += BLOCK) {
        __builtin_prefetch(from + below);
        const Pair d = pixel(from);
        to[j].low = a.low * f0 + b.low * f1 + c.low * f2 + d.low * f3;
        to[j].high = a.high * f0 + b.high * f1 + c.high * f2 + d.high * f3;
        a = b;
        b = c;
        c = d;
    }
}

// Output rows [row0, row1), columns [first, last) of 32 channels of `y`, which has `o`. `z` begins with what `row0`
// sees. `ring` keeps four filtered rows.
inline void filter_tile(const UpFilter& f, const Pair& scale, const Pair& bias, const float* noise, bf16* y, int o,
                        __mmask32 mask, int out_w, int row0, int row1, int first, int last, Pair* ring) {
    const int width = last - first;
    const size_t line = (size_t)f.z_width * BLOCK;
    vf low[4], high[4];
    const vf bias_low = bias.low, bias_high = bias.high;
    for (int k = 0; k < 4; k++) low[k] = scale.low * f.fy[k], high[k] = scale.high * f.fy[k];
    for (int row = row0 - 3; row < row1; row++) {
        const int newest = row + 3 - row0;
        filter_row(f.z + newest * line + (size_t)first * BLOCK, width, f.fx, row + 1 < row1 ? line : 0,
                   ring + (newest & 3) * width);
        if (row < row0) continue;
        const Pair *r0 = ring + ((newest + 1) & 3) * width, *r1 = ring + ((newest + 2) & 3) * width,
                   *r2 = ring + ((newest + 3) & 3) * width, *r3 = ring + (newest & 3) * width;
        const size_t start = (size_t)row * out_w + first;
        const float* spots = noise ? noise + start : nullptr;
        bf16* q = y + start * o;
        const vf l0 = low[0], l1 = low[1], l2 = low[2], l3 = low[3];
        const vf h0 = high[0], h1 = high[1], h2 = high[2], h3 = high[3];
        for (int j = 0; j < width; j++, q += o) {
            __builtin_prefetch(q + (size_t)16 * o, 1);
            const vf spot = splat(spots ? spots[j] : 0);
            const vf a = (bias_low + spot) + r0[j].low * l0 + r1[j].low * l1 + r2[j].low * l2 + r3[j].low * l3;
            const vf b = (bias_high + spot) + r0[j].high * h0 + r1[j].high * h1 + r2[j].high * h2 + r3[j].high * h3;
            const __m512i both = narrow_pair(activate(a, f.slope, f.clamp), activate(b, f.slope, f.clamp));
            _mm512_mask_storeu_epi16(q, mask, both);
        }
    }
}

// Output rows [2 first, 2 (first + rows)), from memory that stays in the cache.
//
// The transposed 3x3 convolution with stride 2 is four plain ones, for the rows and columns of each parity: even ones
// see the pixel before and their own, odd ones their own. The filter needs an even row more than `rows`, and two odd
// ones; outside of the picture those are zeros like the input's border.
class UpBand {
public:
    UpBand(const UpConv& u, int rows) : u(u), chunks(blocks_of(u.source.c)), z_width(2 * u.source.w + 3) {
        const int width = u.source.width();
        plane = ((size_t)(rows + 3) * width + 16) * BLOCK;
        const size_t pairs = std::max((size_t)2, (size_t)(rows + 2) * ((width + 15) / 16) / 2 + 1);
        places = (pairs + 3) * BLOCK;
        z_pixels = (size_t)(2 * rows + 3) * z_width;
        vf* memory = scratch((plane + 2 * BLOCK) * chunks / BLOCK + pairs * SUMS / LANES + z_pixels +
                             4 * places / LANES + 8 * COLUMNS);
        planes = (bf16*)memory;
        scales = (float*)(planes + plane * chunks);
        sums = scales + chunks * BLOCK;
        z = (bf16*)(sums + pairs * SUMS);
        where = (int*)(z + z_pixels * BLOCK);
        ring = (Pair*)(where + 4 * places);
    }

    void run(int first, int here, int block0, int block1, const Finish& f) {
        order_styles(u.source, scales);
        pack_rows(u.source, (const vf*)scales, first, here + 2, planes, plane);
        for (int row = 0; row < 2 * here + 3; row++)  // columns that no phase has
            for (int column : {0, z_width - 1})
                std::fill_n(z + ((size_t)row * z_width + column) * BLOCK, BLOCK, bf16{});
        for (int k = 0; k < 4; k++)
            tiling(k, here).places((1 - k / 2) * z_width + 1 + k % 2, 2, 2 * z_width, where + k * places);
        for (int block = block0; block < block1; block++) {
            const bf16* weight = u.weight;
            for (int k = 0; k < 4; k++) {
                const Conv v = phase(k, weight + (size_t)block * chunks * taps_of(k) * 2 * TILE);
                conv_band(u.source, v, tiling(k, here), planes, plane, 0, 1, sums, where + k * places);
                weight += (size_t)blocks_of(u.o) * chunks * taps_of(k) * 2 * TILE;
            }
            filter(first, here, block * BLOCK, f);
        }
    }

private:
    static constexpr int COLUMNS = 32;  // whose four filtered rows stay in the first-level cache
    static int taps_of(int k) { return (2 - k / 2) * (2 - k % 2); }
    Tiling tiling(int k, int here) const { return {u.source.width(), here + 1 + k / 2, u.source.w + 1 - k % 2}; }

    // Of the planes, which begin a row before the band's: even rows see that one and their own, odd rows begin with it.
    Conv phase(int k, const bf16* weight) const {
        Conv v{};
        v.o = BLOCK;
        v.weight = weight;
        v.y = z;
        v.slope = 1;
        v.clamp = NO_CLAMP;
        v.paired = true;
        for (int dy = 0; dy < 2 - k / 2; dy++)
            for (int dx = k % 2; dx < 2; dx++, v.taps++) v.dy[v.taps] = dy, v.dx[v.taps] = dx;
        return v;
    }

    void filter(int first, int here, int o0, const Finish& f) {
        const UpFilter filter{z, z_width, u.fx, u.fy, f.slope, f.clamp};
        const __mmask32 mask = mask_of(u.o - o0);
        const int out_w = 2 * u.source.w;
        const Pair scale = u.scale ? load_pair(u.scale + o0, mask) : Pair{splat(1), splat(1)};
        const Pair bias = f.bias ? load_pair(f.bias + o0, mask) : Pair{vf{}, vf{}};
        for (int column = 0; column < out_w; column += COLUMNS)
            filter_tile(filter, scale, bias, u.noise, u.y + o0, u.o, mask, out_w, 2 * first, 2 * (first + here), column,
                        std::min(column + COLUMNS, out_w), ring);
    }

    const UpConv& u;
    const int chunks, z_width;
    size_t plane, places, z_pixels;
    bf16 *planes, *z;
    float *scales, *sums;
    int* where;
    Pair* ring;
};

inline void up_conv_all(const UpConv* convs, int n, const Finish& f, int threads) {
    const UpConv& like = convs[0];
    const int blocks = blocks_of(like.o);
    const Plan plan(like.source, like.source.h, blocks, threads);
    const long items = (long)n * plan.bands * plan.parts;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const amx::Tiles tiles;
        const int part = item % plan.parts, first = item / plan.parts % plan.bands * plan.band;
        const UpConv& u = convs[item / plan.parts / plan.bands];
        UpBand(u, plan.band).run(first, std::min(plan.band, u.source.h - first), blocks * part / plan.parts,
                                 blocks * (part + 1) / plan.parts, f);
    }
}

#endif

}  // namespace
