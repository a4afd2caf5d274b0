// Filtered leaky ReLU of one plane after another, as banded matrices: out = sum_b B_h mid(sum_a A_h x A_w') B_w'.
//
// A plane of a small picture stays in the second-level cache through all passes. The backward pass is the same
// function with transposed bands and the stored signs in the middle.

#include <torch/extension.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int kLane = 32;  // floats handled together; rows are padded to a multiple

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

// out[o] (+)= sum_k weight[o][k] * in[start[o] + k], rows of `length` floats at `stride`.
void apply(const Band& b, const float* in, int length, int stride, float* out, bool add) {
    for (int o = 0; o < b.rows; ++o) {
        const float* row = in + static_cast<int64_t>(b.start[o]) * stride;
        const float* w = b.weight + static_cast<int64_t>(o) * b.width;
        float* target = out + static_cast<int64_t>(o) * stride;
        for (int j = 0; j < length; j += kLane) {
            float sum[kLane];
            if (add) {
                for (int t = 0; t < kLane; ++t) sum[t] = target[j + t];
            } else {
                for (int t = 0; t < kLane; ++t) sum[t] = 0.0f;
            }
            for (int k = 0; k < b.width; ++k) {
                const float c = w[k];
                const float* source = row + static_cast<int64_t>(k) * stride + j;
                for (int t = 0; t < kLane; ++t) sum[t] += c * source[t];
            }
            for (int t = 0; t < kLane; ++t) target[j + t] = sum[t];
        }
    }
}

// out[c][r] = in[r][c]
void transpose(const float* in, int rows, int columns, int in_stride, float* out, int out_stride) {
    constexpr int kTile = 16;
    for (int r0 = 0; r0 < rows; r0 += kTile)
        for (int c0 = 0; c0 < columns; c0 += kTile) {
            const int r1 = std::min(r0 + kTile, rows), c1 = std::min(c0 + kTile, columns);
            for (int c = c0; c < c1; ++c)
                for (int r = r0; r < r1; ++r) out[c * out_stride + r] = in[r * in_stride + c];
        }
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
    // One stride for all, so that a pass may use any buffer; the widest band reads at most `slack` rows too far.
    const int stride = padded(std::max({n, middle, m}));
    const int rows = std::max({n, middle, m}) + 64;
    at::parallel_for(0, planes, 4, [&](int64_t begin, int64_t end) {
        std::vector<float> a(static_cast<size_t>(rows) * stride, 0.0f), b(a.size(), 0.0f), c(a.size(), 0.0f),
            d(a.size(), 0.0f), e(a.size(), 0.0f);
        for (int64_t p = begin; p < end; ++p) {
            for (int r = 0; r < n; ++r) std::memcpy(&a[r * stride], source + (p * n + r) * n, n * sizeof(float));
            for (size_t t = 0; t + 1 < first.size() || t == 0; t += 2) {
                apply(first[t], a.data(), n, stride, b.data(), false);           // [middle, n]
                transpose(b.data(), middle, n, stride, c.data(), stride);        // [n, middle]
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
                transpose(b.data(), m, middle, stride, c.data(), stride);         // [middle, m]
                apply(second[t], c.data(), m, stride, e.data(), t > 0);           // [m, m]
            }
            for (int r = 0; r < m; ++r) std::memcpy(result + (p * m + r) * m, &e[r * stride], m * sizeof(float));
        }
    });
    return y;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("band_filter", &band_filter); }
