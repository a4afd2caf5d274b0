// Fused passes of the generators' layers for CPUs, in channels-last order, sixteen channels at a time.
//
// Plain C++ with GCC/Clang vector extensions and no headers of torch, so that it builds in seconds with
// -march=native on the machine that runs it, and vectorises on AVX-512, AVX2 and NEON alike. Features are float32
// or bfloat16 in memory and float32 in registers, or float16 where the filtered leaky ReLU may. Every function returns
// 0, or 1 if it does not know the case.

#include <cmath>
#include <vector>

#include "amx_conv.h"
#include "amx_up_conv.h"
#include "dense.h"
#include "epilogues.h"
#include "filtered_lrelu.h"
#include "modulate.h"
#include "torgb.h"
#include "wavelets.h"

extern "C" {

// Counts up whenever the meaning of an argument changes.
int latentwalk_abi() { return 6; }

// Whether the functions with packed weights work here.
int latentwalk_amx() { return amx::available(); }

int latentwalk_filtered_lrelu(const void* x, void* y, int is_bf16, int n, int h, int w, int c, int out_h, int out_w,
                              int top, int left, int up, const float* up_x, const float* up_y, const float* down_x,
                              const float* down_y, const float* down, const float* scale, const float* bias,
                              float slope, float clamp, int tile_columns, int tile_channels, int threads) {
    const Picture p{n, h, w, c, out_h, out_w, top, left};
    const Filters f{up_x, up_y, down_x, down_y, down, slope, clamp};
    if (up != 2 && up != 4) return 1;
#if LATENTWALK_HALF
    if (is_bf16 && fits_half(f, up)) {
        (up == 2 ? flrelu<vq, bf16, 2> : flrelu<vq, bf16, 4>)((const bf16*)x, (bf16*)y, p, f, scale, bias, tile_columns,
                                                         2 * tile_channels, threads);
        return 0;
    }
#endif
    if (is_bf16)
        (up == 2 ? flrelu<vf, bf16, 2> : flrelu<vf, bf16, 4>)((const bf16*)x, (bf16*)y, p, f, scale, bias, tile_columns,
                                                         tile_channels, threads);
    else
        (up == 2 ? flrelu<vf, float, 2> : flrelu<vf, float, 4>)((const float*)x, (float*)y, p, f, scale, bias, tile_columns,
                                                           tile_channels, threads);
    return 0;
}

int latentwalk_finish(void* y, int is_bf16, int n, int h, int w, int c, const float* scale, const float* bias,
                      const float* noise, int noise_n, float slope, float clamp, int threads) {
    const Finish f{scale, bias, noise, noise_n, slope, clamp};
    if (is_bf16)
        finish_all((bf16*)y, n, h, w, c, f, threads);
    else
        finish_all((float*)y, n, h, w, c, f, threads);
    return 0;
}

int latentwalk_fir_finish(const void* z00, const void* z01, const void* z10, const void* z11, void* y, int is_bf16,
                          int n, int h, int w, int c, const float* fx, const float* fy, const float* scale,
                          const float* bias, const float* noise, int noise_n, float slope, float clamp,
                          int threads) {
    const Finish f{scale, bias, noise, noise_n, slope, clamp};
    if (is_bf16)
        fir_all((const bf16*)z00, (const bf16*)z01, (const bf16*)z10, (const bf16*)z11, (bf16*)y, n, h, w, c, fx, fy,
                f, threads);
    else
        fir_all((const float*)z00, (const float*)z01, (const float*)z10, (const float*)z11, (float*)y, n, h, w, c, fx,
                fy, f, threads);
    return 0;
}

int latentwalk_modulate(const float* w, void* out, int is_bf16, int o, int taps, int i, const float* rows,
                        const float* columns, int threads) {
    if (is_bf16)
        modulate_all(w, (bf16*)out, o, taps, i, rows, columns, threads);
    else
        modulate_all(w, (float*)out, o, taps, i, rows, columns, threads);
    return 0;
}

// `y = x w^T * gain + bias` for `w` [o, i].
int latentwalk_dense(const float* x, const void* w, int is_bf16, float* y, int n, int o, int i, const float* bias,
                     float gain, int threads) {
    const auto end = [=](int row, float sum) { return sum * gain + bias[row]; };
    if (is_bf16)
        products_all<false>((const bf16*)w, x, y, n, o, i, threads, end);
    else
        products_all<false>((const float*)w, x, y, n, o, i, threads, end);
    return 0;
}

// `y = gain / sqrt(styles^2 energy^T + eps)` for `energy` [o, i].
int latentwalk_demodulate(const float* styles, const void* energy, int is_bf16, float* y, int n, int o, int i,
                          float gain, float eps, int threads) {
    const auto end = [=](int, float sum) { return gain / std::sqrt(sum + eps); };
    if (is_bf16)
        products_all<true>((const bf16*)energy, styles, y, n, o, i, threads, end);
    else
        products_all<true>((const float*)energy, styles, y, n, o, i, threads, end);
    return 0;
}

// StyleGAN2's ToRGB: `y = upsample(img) + clamp(weight (x * styles) + bias)` for up to 4 colours; y and img are planar
// float32.
int latentwalk_torgb(const void* x, const float* img, float* y, int is_bf16, int n, int h, int w, int c, int colours,
                     const float* styles, const float* weight, const float* bias, const float* fx, const float* fy,
                     float clamp, int threads) {
    const auto run = [&](const auto* in) {
        switch (colours) {
            case 1: return torgb_all<1>(in, img, y, n, h, w, c, styles, weight, bias, fx, fy, clamp, threads);
            case 2: return torgb_all<2>(in, img, y, n, h, w, c, styles, weight, bias, fx, fy, clamp, threads);
            case 3: return torgb_all<3>(in, img, y, n, h, w, c, styles, weight, bias, fx, fy, clamp, threads);
            case 4: return torgb_all<4>(in, img, y, n, h, w, c, styles, weight, bias, fx, fy, clamp, threads);
        }
    };
    if (colours < 1 || colours > 4) return 1;
    if (is_bf16)
        run((const bf16*)x);
    else
        run((const float*)x);
    return 0;
}

// `activate(conv(x * styles) * scale + bias + noise)` of bfloat16 features.
int latentwalk_modulated_conv(const void* x, const float* styles, const void* weight, void* y, int n, int h, int w,
                              int c, int o, int kernel, int pad, const float* scale, const float* bias,
                              const float* noise, int noise_n, float slope, float clamp, int threads) {
#if LATENTWALK_AMX
    if (!amx::available() || kernel * kernel > MAX_TAPS) return 1;
    const size_t out_h = h + 2 * pad - kernel + 1, out_w = w + 2 * pad - kernel + 1;
    std::vector<Source> sources;
    std::vector<Conv> convs;
    for (size_t i = 0; i < (size_t)n; i++) {
        sources.push_back({h, w, c, pad, (const bf16*)x + i * h * w * c, styles + i * c});
        Conv v{(int)out_h, (int)out_w, o, kernel * kernel, {}, {}, (const bf16*)weight,
               (bf16*)y + i * out_h * out_w * o, scale ? scale + i * o : nullptr, bias,
               noise && noise_n > 1 ? noise + i * out_h * out_w : noise, slope, clamp, false};
        for (int tap = 0; tap < v.taps; tap++) v.dy[tap] = tap / kernel, v.dx[tap] = tap % kernel;
        convs.push_back(v);
    }
    conv_all(sources.data(), convs.data(), n, threads);
    return 0;
#else
    return 1;
#endif
}

// `latentwalk_fir_finish` of the transposed convolution of `x * styles`.
int latentwalk_modulated_up_conv(const void* x, const float* styles, const void* weight, void* y, int n, int h, int w,
                                 int c, int o, const float* fx, const float* fy, const float* scale, const float* bias,
                                 const float* noise, int noise_n, float slope, float clamp, int threads) {
#if LATENTWALK_AMX
    if (!amx::available()) return 1;
    std::vector<UpConv> convs;
    for (size_t i = 0; i < (size_t)n; i++)
        convs.push_back({{h, w, c, 1, (const bf16*)x + i * h * w * c, styles + i * c}, o, (const bf16*)weight,
                         (bf16*)y + i * 4 * h * w * o, fx, fy, scale ? scale + i * o : nullptr,
                         noise && noise_n > 1 ? noise + i * 4 * h * w : noise});
    up_conv_all(convs.data(), n, Finish{nullptr, bias, nullptr, 1, slope, clamp}, threads);
    return 0;
#else
    return 1;
#endif
}

// Outputs that `latentwalk_separable_conv` wants side by side in its panels of weights.
int latentwalk_panel() { return PANEL; }

// `activate(pointwise(depthwise(x * styles)) + bias + noise)`; panels are `[o / PANEL][c][PANEL]`.
int latentwalk_separable_conv(const void* x, void* y, int is_bf16, int n, int h, int w, int c, int o,
                              const float* styles, const float* taps, const float* panels, const float* bias,
                              const float* noise, int noise_n, float slope, int threads) {
    const Separable s{n, h, w, c, o, styles, taps, panels, bias, noise, noise_n, slope};
    if (is_bf16)
        separable_all((const bf16*)x, (bf16*)y, s, threads);
    else
        separable_all((const float*)x, (float*)y, s, threads);
    return 0;
}

int latentwalk_depthwise_conv(const void* x, void* y, int is_bf16, int n, int h, int w, int c, const float* styles,
                              const float* taps, int threads) {
    if (is_bf16)
        depthwise_all((const bf16*)x, (bf16*)y, n, h, w, c, styles, taps, threads);
    else
        depthwise_all((const float*)x, (float*)y, n, h, w, c, styles, taps, threads);
    return 0;
}

int latentwalk_inverse_haar(const void* x, void* y, int is_bf16, int n, int h, int w, int c, const float* styles,
                            int threads) {
    if (is_bf16)
        inverse_haar_all((const bf16*)x, (bf16*)y, n, h, w, c, styles, threads);
    else
        inverse_haar_all((const float*)x, (float*)y, n, h, w, c, styles, threads);
    return 0;
}

int latentwalk_haar_head(const void* x, float* y, int is_bf16, int n, int h, int w, int c, int colours,
                         const float* styles, const float* weight, const float* bias, int threads) {
    if (is_bf16)
        haar_head_all((const bf16*)x, y, n, h, w, c, colours, styles, weight, bias, threads);
    else
        haar_head_all((const float*)x, y, n, h, w, c, colours, styles, weight, bias, threads);
    return 0;
}
}
