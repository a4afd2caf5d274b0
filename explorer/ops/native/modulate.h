// Weights scaled by styles and demodulation.

#pragma once

#include "lanes.h"

namespace {

// `w[o][k][i] * rows[o] * columns[i]` in one pass; `rows` may be null for 1.
template <typename T>
void modulate_all(const float* w, T* out, int o, int taps, int i, const float* rows, const float* columns,
                  int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < o; row++) {
        const vf scale = splat(rows ? rows[row] : 1);
        for (int tap = 0; tap < taps; tap++) {
            const size_t start = ((size_t)row * taps + tap) * i;
            int c = 0;
            for (; c + LANES <= i; c += LANES) store(out + start + c, load(w + start + c) * (load(columns + c) * scale));
            if (c < i) {
                const vf factor = load_some<false>(columns + c, i - c) * scale;
                store_some<false>(out + start + c, load_some<false>(w + start + c, i - c) * factor, i - c);
            }
        }
    }
}

}  // namespace
