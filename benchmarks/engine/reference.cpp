// All pairs of two bit matrices that reach a Dice threshold: every word of every pair, AVX-512, one thread.
//
// Both sides are sorted by popcount.  The right side stands in tiles of 8 rows, word by word, so that a
// vector holds one word of 8 rows; a block of 16 tiles stays in the level-1 cache, 512 rows of the left in
// the level-2 cache.  A word of the left row is broadcast, ANDed, counted and added; the sums of 8 rows
// are compared at once with the bound that the block's least popcount gives.  Rows that reach it are
// tested exactly, in whole numbers.  Nothing is left out.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <vector>

#if defined(__AVX512F__) && defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>

namespace {

constexpr int64_t kLane = 8, kTiles = 16, kBlock = kLane * kTiles, kRows = 512;

struct Found {
    int32_t left, right;
    double score;
};
std::vector<Found> found;

struct Side {
    std::vector<int32_t> order, counts;  // by position

    Side(const uint64_t* words, int64_t n, int width) : order(n), counts(n) {
        std::vector<int32_t> by_row(n);
        for (int64_t i = 0; i < n; ++i) {
            int32_t count = 0;
            for (int w = 0; w < width; ++w) count += __builtin_popcountll(words[i * width + w]);
            by_row[i] = count;
        }
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) { return by_row[i] < by_row[j]; });
        for (int64_t i = 0; i < n; ++i) counts[i] = by_row[order[i]];
    }
};

template <int W>
void scan(const uint64_t* left, int64_t n_left, const uint64_t* right, int64_t n_right, const int32_t* need) {
    const Side a(left, n_left, W), b(right, n_right, W);
    const int64_t n_blocks = (n_right + kBlock - 1) / kBlock;
    const size_t size = static_cast<size_t>(n_blocks) * kBlock * W;
    uint64_t* tiles = static_cast<uint64_t*>(std::aligned_alloc(64, std::max<size_t>(size, 8) * sizeof(uint64_t)));
    std::fill(tiles, tiles + size, 0);
    for (int64_t j = 0; j < n_right; ++j)
        for (int w = 0; w < W; ++w)
            tiles[(j / kLane * W + w) * kLane + j % kLane] = right[static_cast<int64_t>(b.order[j]) * W + w];
    std::vector<uint64_t> rows(kRows * W);
    for (int64_t start = 0; start < n_left; start += kRows) {
        const int64_t stop = std::min(start + kRows, n_left);
        for (int64_t i = start; i < stop; ++i)
            std::copy_n(left + static_cast<int64_t>(a.order[i]) * W, W, rows.data() + (i - start) * W);
        for (int64_t block = 0; block < n_blocks; ++block) {
            const uint64_t* first = tiles + block * kBlock * W;
            const int32_t least = b.counts[block * kBlock];
            for (int64_t i = start; i < stop; ++i) {
                const uint64_t* row = rows.data() + (i - start) * W;
                __m512i word[W];
#pragma GCC unroll 32
                for (int w = 0; w < W; ++w) word[w] = _mm512_set1_epi64(row[w]);
                const __m512i bound = _mm512_set1_epi64(need[a.counts[i] + least]);
                for (int64_t t = 0; t < kTiles; t += 2) {
                    const uint64_t* tile = first + t * W * kLane;
                    __m512i sum[2][2] = {};
#pragma GCC unroll 32
                    for (int w = 0; w < W; ++w) {
                        const __m512i x = _mm512_and_si512(word[w], _mm512_load_si512(tile + w * kLane));
                        const __m512i y = _mm512_and_si512(word[w], _mm512_load_si512(tile + (W + w) * kLane));
                        sum[0][w % 2] = _mm512_add_epi64(sum[0][w % 2], _mm512_popcnt_epi64(x));
                        sum[1][w % 2] = _mm512_add_epi64(sum[1][w % 2], _mm512_popcnt_epi64(y));
                    }
                    const __m512i x = _mm512_add_epi64(sum[0][0], sum[0][1]);
                    const __m512i y = _mm512_add_epi64(sum[1][0], sum[1][1]);
                    const __mmask8 reach_x = _mm512_cmpge_epi64_mask(x, bound);
                    const __mmask8 reach_y = _mm512_cmpge_epi64_mask(y, bound);
                    if (__builtin_expect(reach_x | reach_y, 0)) {
                        alignas(64) int64_t overlap[2 * kLane];
                        _mm512_store_si512(overlap, x);
                        _mm512_store_si512(overlap + kLane, y);
                        for (int64_t lane = 0; lane < 2 * kLane; ++lane) {
                            const int64_t j = block * kBlock + t * kLane + lane;
                            if (j >= n_right) break;
                            const int32_t sum_of_counts = a.counts[i] + b.counts[j];
                            if (overlap[lane] >= need[sum_of_counts])
                                found.push_back({a.order[i], b.order[j], 2.0 * overlap[lane] / sum_of_counts});
                        }
                    }
                }
            }
        }
    }
    std::free(tiles);
}

}  // namespace

// Give the number of pairs, or -1 where the rows have another width than the two that are compiled.
extern "C" int64_t find(const uint64_t* left, int64_t n_left, const uint64_t* right, int64_t n_right, int width,
                        const int32_t* need) {
    found.clear();
    if (width == 16)
        scan<16>(left, n_left, right, n_right, need);
    else if (width == 32)
        scan<32>(left, n_left, right, n_right, need);
    else
        return -1;
    return static_cast<int64_t>(found.size());
}

// Write the pairs of the last call, and forget them.
extern "C" void take(int32_t* left, int32_t* right, double* score) {
    for (size_t i = 0; i < found.size(); ++i) {
        left[i] = found[i].left;
        right[i] = found[i].right;
        score[i] = found[i].score;
    }
    std::vector<Found>().swap(found);
}

#else

extern "C" int64_t find(const uint64_t*, int64_t, const uint64_t*, int64_t, int, const int32_t*) { return -2; }
extern "C" void take(int32_t*, int32_t*, double*) {}

#endif
