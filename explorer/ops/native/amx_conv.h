// Convolutions of bfloat16 features as products in AMX tiles, with scaled inputs and the layer's epilogue.
//
// The input is copied, a band of rows at a time, into planes of 32 channels with a border of zeros; scaling it by the
// styles costs nothing there and leaves the weights constant, so they are packed once. In a plane the pixels a tap
// sees lie a fixed distance from the output's, also across the ends of rows: sixteen neighbours are a tile, wherever
// they begin, and what falls between two rows is computed and dropped.

#pragma once

#include <limits>

#include "amx_planes.h"

namespace {

constexpr int MAX_TAPS = 9;
constexpr float NO_CLAMP = std::numeric_limits<float>::infinity();

// A convolution with stride 1: the output at (row, column) sees the padded input at (row + dy, column + dx).
struct Conv {
    int out_h, out_w, o, taps;
    int dy[MAX_TAPS], dx[MAX_TAPS];
    const bf16* weight;  // of `pack_weight`: [o / 32][c / 32][taps][2][16][16][2], rounded up and filled with zeros
    bf16* y;             // [out_h, out_w, o]
    const float* scale;  // [o] or null
    const float* bias;   // [o] or null
    const float* noise;  // [out_h, out_w] or null
    float slope, clamp;
    bool paired;  // outputs k and k + 16 of each 32 side by side instead of in order
};

#if LATENTWALK_AMX

constexpr int TILE = 16 * BLOCK;     // numbers of a tile of weights
constexpr int SUMS = BLOCK * BLOCK;  // of a pair of tiles

// Steps, of one plane and tap each, whose weights of 2 kB go through the first-level cache together. With one tap
// nothing in the cache is used twice, and fewer turns with the sums are worth more.
inline int planes_of_group(int chunks, int taps) {
    const int most = std::max(1, (taps == 1 ? 32 : chunks * taps <= 18 ? 18 : 12) / taps);
    const int groups = (chunks + most - 1) / most;
    return (chunks + groups - 1) / groups;
}

// A band of output rows as tiles of sixteen pixels.
struct Tiling {
    int width, rows, out_w, per_row, count;  // per_row 0: tiles run on across the ends of rows

    Tiling(int width, int rows, int out_w) : width(width), rows(rows), out_w(out_w) {
        const int flowing = ((rows - 1) * width + out_w + 15) / 16, aligned = (out_w + 15) / 16 * rows;
        per_row = aligned <= flowing ? (out_w + 15) / 16 : 0;
        count = per_row ? aligned : flowing;
    }

    // Where a tile begins, in pixels of the planes.
    size_t start(int tile) const { return per_row ? tile / per_row * width + tile % per_row * 16 : tile * 16; }

    // The places of the tiles' pixels in a picture, -1 for those that are none, and as many as a `Sink` looks ahead.
    // The first one's is `begin`; neighbours lie `right` and `down` further.
    void places(int begin, int right, int down, int* where) const {
        int row = 0, column = 0, in_row = per_row;
        for (int tile = 0; tile < count; tile++) {
            for (int i = 0; i < 16; i++) {
                *where++ = row < rows && column < out_w ? begin + row * down + column * right : -1;
                if (++column < width) continue;
                column = 0;
                row++;
            }
            if (per_row && --in_row == 0) {
                row = (tile + 1) / per_row;
                column = 0;
                in_row = per_row;
            }
        }
        std::fill(where, where + 3 * BLOCK, -1);
    }
};

// Brings sums of 32 outputs to the picture, a few pixels at a time between the products of the next tiles: those leave
// the vector units free, and hide how long the picture's memory takes.
class Sink {
public:
    Sink(const Conv& v, int o0) : v(v), y(v.y + o0), mask(mask_of(v.o - o0)) {
        if (v.scale) scale = load_pair(v.scale + o0, mask);
        if (v.bias) bias = load_pair(v.bias + o0, mask);
    }

    // The next sums; those before must be through.
    void take(const float* next_sums, const int* next_where, int pixels) {
        sums = next_sums;
        where = next_where;
        left = pixels;
    }

    void some(int pixels) {
        pixels = std::min(pixels, left);
        left -= pixels;
        const Pair scale = this->scale, bias = this->bias;
        const float slope = v.slope, clamp = v.clamp;
        const float* noise = v.noise;
        const bool linear = slope == 1 && clamp == NO_CLAMP;
        const __m512i order = paired_order();
        for (; pixels > 0; pixels--, where++, sums += BLOCK) {
            __builtin_prefetch(y + (ptrdiff_t)where[2 * BLOCK] * v.o, 1);
            const int pixel = *where;
            if (pixel < 0) continue;
            vf low = load(sums) * scale.low + bias.low, high = load(sums + LANES) * scale.high + bias.high;
            if (noise) {
                low += noise[pixel];
                high += noise[pixel];
            }
            if (!linear) {
                low = activate(low, slope, clamp);
                high = activate(high, slope, clamp);
            }
            __m512i both = narrow_pair(low, high);
            if (v.paired) both = _mm512_permutexvar_epi16(order, both);
            _mm512_mask_storeu_epi16(y + (size_t)pixel * v.o, mask, both);
        }
    }

private:
    const Conv& v;
    bf16* y;
    __mmask32 mask;
    int left = 0;
    Pair scale{splat(1), splat(1)}, bias{vf{}, vf{}};
    const float* sums = nullptr;
    const int* where = nullptr;
};

// What the products of a group of planes share.
struct Group {
    const bf16* weight;
    size_t plane;
    const long* offsets;  // of the taps, in a plane
    int taps, planes, share;  // share: pixels for the sink at each tap
    const bf16* next_weight;  // of the next group, for the cache; null if there is none
    bool first;
};

// Adds 32 pixels (16 if not TWO) x 32 outputs to `sums`, and meanwhile brings weights from `fetch` on, if it is not
// null, to the second-level cache. LAST: after this group the sums are whole.
template <bool TWO, bool LAST>
inline void products(const Group& g, const bf16* a0, const bf16* a1, float* sums, Sink& sink, const bf16* fetch) {
    asm volatile("" ::: "memory");  // GCC's tile loads do not say that they read memory
    if (g.first) {
        _tile_zero(0);
        _tile_zero(1);
        if (TWO) _tile_zero(2);
        if (TWO) _tile_zero(3);
    } else {
        _tile_loadd(0, sums, 4 * BLOCK);
        _tile_loadd(1, sums + LANES, 4 * BLOCK);
        if (TWO) _tile_loadd(2, sums + SUMS / 2, 4 * BLOCK);
        if (TWO) _tile_loadd(3, sums + SUMS / 2 + LANES, 4 * BLOCK);
    }
    const bf16* b = g.weight;
    const float* ahead = sums + SUMS;
    for (int plane = 0; plane < g.planes; plane++, a0 += g.plane, a1 += g.plane)
        for (int tap = 0; tap < g.taps; tap++, b += 2 * TILE) {
            _tile_loadd(6, b, 2 * BLOCK);
            _tile_loadd(4, a0 + g.offsets[tap], 2 * BLOCK);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, b + TILE, 2 * BLOCK);
            _tile_dpbf16ps(1, 4, 7);
            if (TWO) {
                _tile_loadd(5, a1 + g.offsets[tap], 2 * BLOCK);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
            if (fetch)
                for (int line = 0; line < 2 * TILE; line += BLOCK, fetch += BLOCK) __builtin_prefetch(fetch, 0, 2);
            if (LAST) {
                sink.some(g.share);
            } else {
                for (int line = 0; line < 7; line++, ahead += 16) __builtin_prefetch(ahead);
            }
        }
    _tile_stored(0, sums, 4 * BLOCK);
    _tile_stored(1, sums + LANES, 4 * BLOCK);
    if (TWO) _tile_stored(2, sums + SUMS / 2, 4 * BLOCK);
    if (TWO) _tile_stored(3, sums + SUMS / 2 + LANES, 4 * BLOCK);
}

template <bool LAST>
inline void group_products(const Group& g, const Tiling& tiles, const bf16* planes, float* sums, const int* where,
                           Sink& sink) {
    // Sums that no later group adds to are done with after the next tiles; two places for them stay in the cache.
    const bool keep = !(g.first && LAST);
    for (int tile = 0; tile < tiles.count; tile += 2) {
        float* target = sums + (keep ? tile / 2 : tile / 2 % 2) * SUMS;
        const bool two = tile + 1 < tiles.count;
        const bf16* fetch = tile ? nullptr : g.next_weight;
        const bf16* a = planes + tiles.start(tile) * BLOCK;
        if (two)
            products<true, LAST>(g, a, planes + tiles.start(tile + 1) * BLOCK, target, sink, fetch);
        else
            products<false, LAST>(g, a, a, target, sink, fetch);
        if (!LAST) continue;
        sink.some(BLOCK);  // what is left of the tiles before
        sink.take(target, where + tile * 16, two ? 32 : 16);
    }
    sink.some(BLOCK);
}

// The output blocks [block0, block1) of the rows of `tiles`. A group of planes at a time keeps its weights in the
// first-level cache for all tiles.
inline void conv_band(const Source& s, const Conv& v, const Tiling& tiles, const bf16* planes, size_t plane,
                      int block0, int block1, float* sums, const int* where) {
    const int chunks = blocks_of(s.c), group = planes_of_group(chunks, v.taps);
    long offsets[MAX_TAPS];
    for (int tap = 0; tap < v.taps; tap++) offsets[tap] = ((long)v.dy[tap] * tiles.width + v.dx[tap]) * BLOCK;
    const bf16* weight = v.weight + (size_t)block0 * chunks * v.taps * 2 * TILE;
    for (int block = block0; block < block1; block++) {
        Sink sink(v, block * BLOCK);
        for (int chunk = 0; chunk < chunks; chunk += group) {
            const int here = std::min(group, chunks - chunk), steps = here * v.taps;
            const bool last = chunk + here == chunks;
            const bf16* next = weight + (size_t)steps * 2 * TILE;
            const Group g{weight, plane, offsets, v.taps, here, (BLOCK + steps - 1) / steps,
                          last && block + 1 == block1 ? nullptr : next, chunk == 0};
            (last ? group_products<true> : group_products<false>)(g, tiles, planes + chunk * plane, sums, where, sink);
            weight = next;
        }
    }
}

// How a picture is divided among threads and caches.
struct Plan {
    int band, bands, parts;  // rows of a band; parts of the outputs

    Plan(const Source& s, int rows, int blocks, int threads) {
        // Planes of about 600 kB stay in the second-level cache with sums and weights. Measured from 250 to 900 kB.
        const size_t row = (size_t)s.width() * blocks_of(s.c) * BLOCK * sizeof(bf16);
        bands = (int)(row * rows / 600000) + 1;
        if (bands > 1) bands = (bands + threads - 1) / threads * threads;
        band = std::max((rows + bands - 1) / bands, std::min(rows, 4));
        bands = (rows + band - 1) / band;
        parts = std::min(blocks, bands % threads ? threads : 1);
    }
};

// One convolution for each of `n` inputs.
inline void conv_all(const Source* sources, const Conv* convs, int n, int threads) {
    const Source& like = sources[0];
    const int chunks = blocks_of(like.c), blocks = blocks_of(convs[0].o), rows = convs[0].out_h;
    const int below = *std::max_element(convs[0].dy, convs[0].dy + convs[0].taps);
    const Plan plan(like, rows, blocks, threads);
    const size_t plane = ((size_t)(plan.band + below + 1) * like.width() + 16) * BLOCK;  // the last tile ends late
    const size_t pairs = std::max((size_t)2, (size_t)plan.band * ((like.width() + 15) / 16) / 2 + 1);
    const long items = (long)n * plan.bands * plan.parts;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long item = 0; item < items; item++) {
        const amx::Tiles tiles;
        const int part = item % plan.parts, first = item / plan.parts % plan.bands * plan.band;
        const int sample = item / plan.parts / plan.bands, here = std::min(plan.band, rows - first);
        const Conv& v = convs[sample];
        vf* memory = scratch((plane + 2 * BLOCK) * chunks / BLOCK + (pairs * (SUMS + BLOCK) + 3 * BLOCK) / LANES);
        bf16* planes = (bf16*)memory;
        float* scales = (float*)(planes + plane * chunks);
        float* sums = scales + chunks * BLOCK;
        int* where = (int*)(sums + pairs * SUMS);
        order_styles(sources[sample], scales);
        pack_rows(sources[sample], (const vf*)scales, first, here + below, planes, plane);
        const Tiling tiling(like.width(), here, v.out_w);
        tiling.places(first * v.out_w, 1, v.out_w, where);
        conv_band(sources[sample], v, tiling, planes, plane, blocks * part / plan.parts,
                  blocks * (part + 1) / plan.parts, sums, where);
    }
}

#endif

}  // namespace
