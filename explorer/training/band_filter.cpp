// Filtered leaky ReLU of one plane after another, as banded matrices: out = sum_b B_h mid(sum_a A_h x A_w') B_w'.
//
// A plane of a small picture stays in the second-level cache through all passes. The backward pass is the same
// function with transposed bands and the stored signs in the middle.

#include <torch/extension.h>

#ifdef __AVX__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int kLane = 16;  // floats in a vector; rows are padded to a multiple

typedef float Vector __attribute__((vector_size(kLane * sizeof(float))));

Vector load(const float* p) {
    Vector v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

int padded(int n) { return (n + kLane - 1) / kLane * kLane; }

struct Band {
    int rows = 0, width = 0;
    const int* start = nullptr;
    const float* weight = nullptr;
};

Band band(const torch::Tensor& start, const torch::Tensor& weight) {
    return {static_cast<int>(weight.size(0)), static_cast<int>(weight.size(1)), start.data_ptr<int>(),
            weight.data_ptr<float>()};
}

// One strip of `kWidth` vectors. The sums are variables, not an array in memory: they stay in registers.
template <int kWidth>
void strip(const float* row, const float* w, int taps, int stride, float* target, bool add) {
    Vector sum[kWidth];
#pragma GCC unroll 8
    for (int i = 0; i < kWidth; ++i) sum[i] = add ? load(target + i * kLane) : Vector{};
    for (int k = 0; k < taps; ++k, row += stride) {
#pragma GCC unroll 8
        for (int i = 0; i < kWidth; ++i) sum[i] += w[k] * load(row + i * kLane);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kWidth; ++i) std::memcpy(target + i * kLane, &sum[i], sizeof(Vector));
}

// out[o] (+)= sum_k weight[o][k] * in[start[o] + k], rows of `length` floats at `stride`.
void apply(const Band& b, const float* in, int length, int stride, float* out, bool add) {
    for (int o = 0; o < b.rows; ++o) {
        const float* row = in + static_cast<int64_t>(b.start[o]) * stride;
        const float* w = b.weight + static_cast<int64_t>(o) * b.width;
        float* target = out + static_cast<int64_t>(o) * stride;
        int left = (length + kLane - 1) / kLane;
        for (; left >= 5; left -= 5, row += 5 * kLane, target += 5 * kLane) strip<5>(row, w, b.width, stride, target, add);
        switch (left) {
            case 4: strip<4>(row, w, b.width, stride, target, add); break;
            case 3: strip<3>(row, w, b.width, stride, target, add); break;
            case 2: strip<2>(row, w, b.width, stride, target, add); break;
            case 1: strip<1>(row, w, b.width, stride, target, add); break;
            default: break;
        }
    }
}

// out[c][r] = in[r][c]. Works in whole tiles: buffers are padded, what lies past the edges is never used.
void transpose(const float* in, int rows, int columns, int stride, float* out) {
#ifdef __AVX__
    for (int r = 0; r < rows; r += 8)
        for (int c = 0; c < columns; c += 8) {
            __m256 a[8], b[8];
            for (int i = 0; i < 8; ++i) a[i] = _mm256_loadu_ps(in + (r + i) * stride + c);
            for (int i = 0; i < 8; i += 2) {
                b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
                b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
            }
            for (int i = 0; i < 8; i += 4) {
                a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
                a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
                a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
                a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
            }
            for (int i = 0; i < 4; ++i) {
                _mm256_storeu_ps(out + (c + i) * stride + r, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
                _mm256_storeu_ps(out + (c + i + 4) * stride + r, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
            }
        }
#else
    for (int c = 0; c < columns; ++c)
        for (int r = 0; r < rows; ++r) out[c * stride + r] = in[r * stride + c];
#endif
}

}  // namespace

// x [P, n, n]; bands of the first stage [terms][2] (rows, columns), then of the second. `signs` [P, T, T] uint8 is
// written when `forward`, read otherwise. Returns [P, m, m].
torch::Tensor band_filter(torch::Tensor x, std::vector<torch::Tensor> first_start, std::vector<torch::Tensor> first_weight,
                          std::vector<torch::Tensor> second_start, std::vector<torch::Tensor> second_weight,
                          torch::Tensor signs, double slope, bool forward) {
    x = x.contiguous();
    TORCH_CHECK(x.scalar_type() == torch::kFloat && x.dim() == 3, "expected float32 planes");
    const int planes = x.size(0), n = x.size(1);
    std::vector<Band> first, second;
    for (size_t i = 0; i < first_start.size(); ++i) first.push_back(band(first_start[i], first_weight[i]));
    for (size_t i = 0; i < second_start.size(); ++i) second.push_back(band(second_start[i], second_weight[i]));
    const int middle = first[0].rows, m = second[0].rows;
    const float leak = static_cast<float>(slope);
    auto y = torch::empty({planes, m, m}, x.options());
    const float* source = x.data_ptr<float>();
    float* result = y.data_ptr<float>();
    uint8_t* sign = signs.data_ptr<uint8_t>();
    // One stride for all, so that a pass may use any buffer; spare rows for whole tiles at the lower edge.
    const int stride = padded(std::max({n, middle, m}));
    const int rows = std::max({n, middle, m}) + 64;
    at::parallel_for(0, planes, 4, [&](int64_t begin, int64_t end) {
        std::vector<float> a(static_cast<size_t>(rows) * stride, 0.0f), b(a.size(), 0.0f), c(a.size(), 0.0f),
            d(a.size(), 0.0f), e(a.size(), 0.0f);
        for (int64_t p = begin; p < end; ++p) {
            for (int r = 0; r < n; ++r) std::memcpy(&a[r * stride], source + (p * n + r) * n, n * sizeof(float));
            for (size_t t = 0; t + 1 < first.size() || t == 0; t += 2) {
                apply(first[t], a.data(), n, stride, b.data(), false);           // [middle, n]
                transpose(b.data(), middle, n, stride, c.data());        // [n, middle]
                apply(first[t + 1], c.data(), middle, stride, d.data(), t > 0);  // [middle, middle], transposed
            }
            uint8_t* plane_sign = sign + p * middle * middle;
            for (int r = 0; r < middle; ++r) {
                float* row = &d[r * stride];
                uint8_t* s = plane_sign + r * middle;
                if (forward) {
                    for (int j = 0; j < middle; ++j) {
                        const bool positive = row[j] >= 0.0f;
                        s[j] = positive;
                        row[j] = positive ? row[j] : row[j] * leak;
                    }
                } else {
                    for (int j = 0; j < middle; ++j) row[j] = s[j] ? row[j] : row[j] * leak;
                }
            }
            for (size_t t = 0; t + 1 < second.size() || t == 0; t += 2) {
                apply(second[t + 1], d.data(), middle, stride, b.data(), false);  // columns: [m, middle]
                transpose(b.data(), m, middle, stride, c.data());         // [middle, m]
                apply(second[t], c.data(), m, stride, e.data(), t > 0);           // [m, m]
            }
            for (int r = 0; r < m; ++r) std::memcpy(result + (p * m + r) * m, &e[r * stride], m * sizeof(float));
        }
    });
    return y;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("band_filter", &band_filter); }
