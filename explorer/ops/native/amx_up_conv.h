// StyleGAN2's up-sampling convolution on AMX: the transposed convolution's phases and their filter, band by band.

#pragma once

#include "amx_conv.h"

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

// The phases of 32 outputs that output rows [2 first, 2 (first + rows)) see, in memory that stays in the cache.
//
// The transposed 3x3 convolution with stride 2 is four plain ones, for the rows and columns of each parity: even ones
// see the pixel before and their own, odd ones their own. The filter needs an even row more than `rows`, and an odd
// one before as well; outside of the picture those are zeros like the input's border.
class UpBand {
public:
    UpBand(const UpConv& u, int rows) : u(u), rows(rows), chunks(blocks_of(u.source.c)) {
        const int width = u.source.width();
        plane = ((size_t)(rows + 3) * width + 16) * BLOCK;
        pairs = std::max((size_t)2, (size_t)(rows + 2) * ((width + 15) / 16) / 2 + 1);
        pixels = (size_t)(rows + 2) * width;
        tile = std::min(2 * u.source.w, 32);  // columns whose filtered rows stay in the first-level cache
        vf* memory = scratch((plane + 2 * BLOCK) * chunks / BLOCK + pairs * SUMS / LANES + 4 * pixels +
                             4 * (pairs * BLOCK + 3 * BLOCK) / LANES + fir_memory(BLOCK, tile));
        planes = (bf16*)memory;
        scales = (float*)(planes + plane * chunks);
        sums = scales + chunks * BLOCK;
        z = (bf16*)(sums + pairs * SUMS);
        where = (int*)(z + 4 * pixels * BLOCK);
        ring = (vf*)(where + 4 * (pairs * BLOCK + 3 * BLOCK));
    }

    void run(int first, int here, int block0, int block1, const Finish& f) {
        order_styles(u.source, scales);
        pack_rows(u.source, (const vf*)scales, first, here + 2, planes, plane);
        for (int k = 0; k < 4; k++) tiling(k, here).places(0, where_of(k));
        for (int block = block0; block < block1; block++) {
            const bf16* weight = u.weight;
            for (int k = 0; k < 4; k++) {
                const Conv v = phase(k, weight + (size_t)block * chunks * taps_of(k) * 2 * TILE);
                conv_band(u.source, v, tiling(k, here), planes, plane, 0, 1, sums, where_of(k));
                weight += (size_t)blocks_of(u.o) * chunks * taps_of(k) * 2 * TILE;
            }
            filter(first, here, block * BLOCK, f);
        }
    }

private:
    static int taps_of(int k) { return (2 - k / 2) * (2 - k % 2); }
    int* where_of(int k) const { return where + k * (pairs * BLOCK + 3 * BLOCK); }
    bf16* z_of(int k) const { return z + k * pixels * BLOCK; }
    Tiling tiling(int k, int here) const { return {u.source.width(), here + 1 + k / 2, u.source.w + 1 - k % 2}; }

    Conv phase(int k, const bf16* weight) const {
        Conv v{rows + 1 + k / 2, u.source.w + 1 - k % 2, BLOCK, 0,      {}, {}, weight,
               z_of(k),          nullptr,                nullptr, nullptr, 1,  NO_CLAMP};
        for (int dy = 0; dy < 2 - k / 2; dy++)
            for (int dx = k % 2; dx < 2; dx++, v.taps++) v.dy[v.taps] = dy, v.dx[v.taps] = dx;
        return v;
    }

    void filter(int first, int here, int o0, const Finish& f) {
        const int h = u.source.h, w = u.source.w;
        const int count = std::min(BLOCK, u.o - o0);
        const Phases<bf16> p{{{z_of(0), z_of(1)}, {z_of(2), z_of(3)}}, h, w, BLOCK, u.o, {first, first - 1}};
        Finish part = f;
        if (f.bias) part.bias = f.bias + o0;
        for (int column = 0; column < 2 * w; column += tile)
            fir_tile(p, u.y + o0, count, column, std::min(column + tile, 2 * w), 2 * first, 2 * (first + here), u.fx, u.fy,
                     u.scale ? u.scale + o0 : nullptr, part, u.noise, ring);
    }

    const UpConv& u;
    const int rows, chunks;
    size_t plane, pairs, pixels;
    int tile;
    bf16 *planes, *z;
    float *scales, *sums;
    int* where;
    vf* ring;
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
