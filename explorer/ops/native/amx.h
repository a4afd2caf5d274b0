// Products of bfloat16 matrices in AMX tiles: whether this process may use them, and a thread's tile configuration.
//
// A product `C += A B` takes A as 16 rows of 32 numbers, B as 16 rows of 16 pairs (row k holds the numbers 2k and
// 2k + 1 of each of 16 columns, side by side), and sums in float32, 16 x 16 in C. Kernels stand between
// `#if LATENTWALK_AMX`, ask `amx::available()` before they run, and hold an `amx::Tiles` while they do.

#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && \
    defined(__AVX512VL__) && defined(__linux__)
#define LATENTWALK_AMX 1
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#define LATENTWALK_AMX 0
#endif

namespace {
namespace amx {

constexpr int ROWS = 16;   // of a whole tile
constexpr int BYTES = 64;  // of a whole tile's row

// Whether tiles may be used: Linux gives their 8 kB of registers only to processes that ask, once for all threads.
inline bool available() {
#if LATENTWALK_AMX
    constexpr int REQUEST_PERMISSION = 0x1023, TILE_DATA = 18;
    static const bool granted = syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
    return granted;
#else
    return false;
#endif
}

#if LATENTWALK_AMX

// Eight whole tiles while this object lives; after it the thread's tiles are configured as before, because
// libraries may remember what they configured. The numbers in the tiles are lost.
class Tiles {
public:
    Tiles() {
        mine.palette = 1;
        for (int t = 0; t < 8; t++) mine.rows[t] = ROWS, mine.bytes[t] = BYTES;
        _tile_storeconfig(&before);
        _tile_loadconfig(&mine);
    }

    ~Tiles() { _tile_loadconfig(&before); }  // zeros, which is what a thread begins with, release the tiles
    Tiles(const Tiles&) = delete;
    Tiles& operator=(const Tiles&) = delete;

private:
    struct alignas(64) Config {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    };
    static_assert(sizeof(Config) == 64, "as the processor reads it");

    Config before, mine{};
};

#endif

}  // namespace amx
}  // namespace
