// Filtered leaky ReLU of one plane after another, as banded matrices: out = sum_b B_h mid(sum_a A_h x A_w') B_w'.
//
// A plane of a small picture stays in the second-level cache through all passes. The backward pass is the same
// function with transposed bands and the stored signs in the middle. Planes come and go in float32 or bfloat16; all
// in between is float32.

#include <torch/extension.h>

#ifdef __AVX__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

namespace {

constexpr int kWord = 16;  // signs in a word; rows are padded to a multiple
#ifdef __AVX512F__
constexpr int kLane = 16;  // floats in a vector
#else
constexpr int kLane = 8;  // two registers of 16 bytes where there is no AVX
#endif
constexpr int kWidest = 10;  // vectors of a strip: its sums and one operand fit in 16 registers

typedef float Vector __attribute__((vector_size(kLane * sizeof(float))));

Vector load(const float* p) {
    Vector v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

int padded(int n) { return (n + kWord - 1) / kWord * kWord; }

// Zeroed floats at the start of a cache line, so that no vector lies across two.
class Buffer {
public:
    explicit Buffer(size_t count)
        : data_(static_cast<float*>(::operator new(count * sizeof(float), kLine))) {
        std::fill_n(data_, count, 0.0f);
    }
    ~Buffer() { ::operator delete(data_, kLine); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    float* data() { return data_; }

private:
    static constexpr std::align_val_t kLine{64};
    float* data_;
};

float widened(float value) { return value; }

float widened(c10::BFloat16 value) {
    const uint32_t bits = static_cast<uint32_t>(value.x) << 16;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

void narrow(float value, float* target) { *target = value; }

// To the nearest, ties to even.
void narrow(float value, c10::BFloat16* target) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    target->x = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

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
#pragma GCC unroll 10
    for (int i = 0; i < kWidth; ++i) sum[i] = add ? load(target + i * kLane) : Vector{};
    for (int k = 0; k < taps; ++k, row += stride) {
#pragma GCC unroll 10
        for (int i = 0; i < kWidth; ++i) sum[i] += w[k] * load(row + i * kLane);
    }
#pragma GCC unroll 10
    for (int i = 0; i < kWidth; ++i) std::memcpy(target + i * kLane, &sum[i], sizeof(Vector));
}

// out[o] (+)= sum_k weight[o][k] * in[start[o] + k], rows of `length` floats at `stride`.
void apply(const Band& b, const float* in, int length, int stride, float* out, bool add) {
    for (int o = 0; o < b.rows; ++o) {
        const float* row = in + static_cast<int64_t>(b.start[o]) * stride;
        const float* w = b.weight + static_cast<int64_t>(o) * b.width;
        float* target = out + static_cast<int64_t>(o) * stride;
        int left = (length + kLane - 1) / kLane;
        for (; left >= kWidest; left -= kWidest, row += kWidest * kLane, target += kWidest * kLane)
            strip<kWidest>(row, w, b.width, stride, target, add);
        for (; left >= 5; left -= 5, row += 5 * kLane, target += 5 * kLane)
            strip<5>(row, w, b.width, stride, target, add);
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

// Multiplies what is negative by `leak` and writes a bit for what is not, 16 places to a word.
void bend(float* row, int length, float leak, uint16_t* positive) {
    for (int j = 0; j < length; j += kWord) {
#if defined(__AVX512F__)
        const __m512 v = _mm512_load_ps(row + j);
        const __mmask16 keeps = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GE_OQ);
        _mm512_store_ps(row + j, _mm512_mask_mul_ps(v, static_cast<__mmask16>(~keeps), v, _mm512_set1_ps(leak)));
        positive[j / kWord] = keeps;
#elif defined(__AVX__)
        int bits = 0;
        for (int i = 0; i < kWord; i += 8) {
            const __m256 v = _mm256_load_ps(row + j + i);
            const __m256 keeps = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GE_OQ);
            bits |= _mm256_movemask_ps(keeps) << i;
            _mm256_store_ps(row + j + i, _mm256_blendv_ps(_mm256_mul_ps(v, _mm256_set1_ps(leak)), v, keeps));
        }
        positive[j / kWord] = static_cast<uint16_t>(bits);
#else
        uint16_t bits = 0;
        for (int i = 0; i < kWord; ++i) {
            const bool keeps = row[j + i] >= 0.0f;
            bits |= static_cast<uint16_t>(keeps) << i;
            row[j + i] = keeps ? row[j + i] : row[j + i] * leak;
        }
        positive[j / kWord] = bits;
#endif
    }
}

// The same of a gradient, by the bits.
void bend_back(float* row, int length, float leak, const uint16_t* positive) {
    for (int j = 0; j < length; j += kWord) {
        const uint16_t keeps = positive[j / kWord];
#if defined(__AVX512F__)
        const __m512 v = _mm512_load_ps(row + j);
        _mm512_store_ps(row + j, _mm512_mask_mul_ps(v, static_cast<__mmask16>(~keeps), v, _mm512_set1_ps(leak)));
#elif defined(__AVX2__)
        const __m256i places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        for (int i = 0; i < kWord; i += 8) {
            const __m256i bits = _mm256_and_si256(_mm256_set1_epi32(keeps >> i), places);
            const __m256 kept = _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, places));
            const __m256 v = _mm256_load_ps(row + j + i);
            _mm256_store_ps(row + j + i, _mm256_blendv_ps(_mm256_mul_ps(v, _mm256_set1_ps(leak)), v, kept));
        }
#else
        for (int i = 0; i < kWord; ++i) row[j + i] = keeps >> i & 1 ? row[j + i] : row[j + i] * leak;
#endif
    }
}

struct Filter {
    std::vector<Band> first, second;  // of each term the rows' and the columns'
    float leak;
    bool forward;
    int n, middle, m;
};

// One plane after another through both stages. `bias` is added to what goes forward; `sum`, of what goes back, is the
// total of each plane that comes out. Either may be missing.
template <typename T>
void run(const Filter& f, const T* source, int64_t begin, int64_t end, uint16_t* signs, const float* bias,
         int channels, T* result, float* sum) {
    // One stride for all, so that a pass may use any buffer; spare rows for whole tiles at the lower edge.
    const int n = f.n, middle = f.middle, m = f.m, most = std::max({n, middle, m});
    const int stride = padded(most), words = padded(middle) / kWord;
    const size_t size = static_cast<size_t>(most + 64) * stride;
    Buffer a(size), b(size), c(size), d(size), e(size);
    for (int64_t p = begin; p < end; ++p) {
        const float shift = bias ? bias[p % channels] : 0.0f;
        for (int r = 0; r < n; ++r) {
            const T* row = source + (p * n + r) * n;
            float* target = a.data() + r * stride;
            for (int j = 0; j < n; ++j) target[j] = widened(row[j]) + shift;
        }
        for (size_t t = 0; t + 1 < f.first.size() || t == 0; t += 2) {
            apply(f.first[t], a.data(), n, stride, b.data(), false);           // [middle, n]
            transpose(b.data(), middle, n, stride, c.data());                  // [n, middle]
            apply(f.first[t + 1], c.data(), middle, stride, d.data(), t > 0);  // [middle, middle], transposed
        }
        for (int r = 0; r < middle; ++r) {
            uint16_t* positive = signs + (p * middle + r) * words;
            if (f.forward) bend(d.data() + r * stride, middle, f.leak, positive);
            else bend_back(d.data() + r * stride, middle, f.leak, positive);
        }
        for (size_t t = 0; t + 1 < f.second.size() || t == 0; t += 2) {
            apply(f.second[t + 1], d.data(), middle, stride, b.data(), false);  // columns: [m, middle]
            transpose(b.data(), m, middle, stride, c.data());                   // [middle, m]
            apply(f.second[t], c.data(), m, stride, e.data(), t > 0);           // [m, m]
        }
        float total = 0;
        for (int r = 0; r < m; ++r) {
            const float* row = e.data() + r * stride;
            T* target = result + (p * m + r) * m;
            for (int j = 0; j < m; ++j) narrow(row[j], target + j);
            if (sum) for (int j = 0; j < m; ++j) total += row[j];
        }
        if (sum) sum[p] = total;
    }
}

}  // namespace

// x [P, n, n] float32 or bfloat16; bands of the first stage [terms][2] (rows, columns), then of the second. `signs`
// [P, T, words of 16] int16 is written when `forward`, read otherwise. `bias` [C] float32, P a multiple of C, is
// added to x; `sum` [P] float32 is filled with the totals of y. Returns y [P, m, m], in the format of x.
torch::Tensor band_filter(torch::Tensor x, std::vector<torch::Tensor> first_start, std::vector<torch::Tensor> first_weight,
                          std::vector<torch::Tensor> second_start, std::vector<torch::Tensor> second_weight,
                          torch::Tensor signs, std::optional<torch::Tensor> bias, std::optional<torch::Tensor> sum,
                          double slope, bool forward) {
    x = x.contiguous();
    const auto format = x.scalar_type();
    TORCH_CHECK((format == torch::kFloat || format == torch::kBFloat16) && x.dim() == 3, "expected planes");
    const int planes = x.size(0);
    Filter f;
    for (size_t i = 0; i < first_start.size(); ++i) f.first.push_back(band(first_start[i], first_weight[i]));
    for (size_t i = 0; i < second_start.size(); ++i) f.second.push_back(band(second_start[i], second_weight[i]));
    f.leak = static_cast<float>(slope), f.forward = forward;
    f.n = x.size(1), f.middle = f.first[0].rows, f.m = f.second[0].rows;
    TORCH_CHECK(signs.size(0) == planes && signs.size(1) == f.middle && signs.size(2) == padded(f.middle) / kWord,
                "signs of another size");
    auto y = torch::empty({planes, f.m, f.m}, x.options());
    auto* sign = reinterpret_cast<uint16_t*>(signs.data_ptr<int16_t>());
    const float* shift = bias ? bias->data_ptr<float>() : nullptr;
    const int channels = bias ? bias->size(0) : 1;
    float* total = sum ? sum->data_ptr<float>() : nullptr;
    at::parallel_for(0, planes, 4, [&](int64_t begin, int64_t end) {
        if (format == torch::kFloat)
            run(f, x.data_ptr<float>(), begin, end, sign, shift, channels, y.data_ptr<float>(), total);
        else
            run(f, x.data_ptr<c10::BFloat16>(), begin, end, sign, shift, channels, y.data_ptr<c10::BFloat16>(), total);
    });
    return y;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("band_filter", &band_filter); }
