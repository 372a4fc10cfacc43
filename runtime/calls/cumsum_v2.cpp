// Sums of the elements up to each along the lines of a tensor: a chain from +0 in each block of 4,096 elements, and the
// sum of all blocks before, added once to each element of a block. The additions depend on each other within a chain;
// so several chains advance side by side.
//
// A few long lines are cut into parts, which threads scan together: the first phase adds up each block, the second one
// scans. Where one range is all of the first, that is one thread's, which scans whole lines as it scans many.
//
// Operands: x, y, then memory in common. Extents: dtype of x, whether the last element comes first, elements of a line,
// how far apart they are, how many lines are scanned together where they are not dense (0: they are), parts of a line,
// lines, and the phase. Iterations: parts of lines, or so many lines of those that lie side by side.
#include "runtime/calls/calls.h"
#include "runtime/calls/chains.h"
#include "runtime/calls/phases.h"

namespace {

constexpr std::int64_t block = 4096;
constexpr std::int64_t pitch = block + 16;  // of chains in the workspace: a power of two would crowd the cache
constexpr int most_chains = 8;

// A line, from the element where its sums begin.
template <class T>
struct Line {
    const typename T::Element* x;
    typename T::Result* y;
    std::int64_t step;  // to the next element
};

// The chains of several lines, or of several blocks of one.
template <class T, int chains>
void chain(const Line<T>* lines, std::int64_t length, typename T::Accumulator* workspace) {
    typename T::Accumulator sums[chains] = {};
    for (std::int64_t i = 0; i < length; ++i)
        for (int c = 0; c < chains; ++c) {
            sums[c] += T::widen(lines[c].x[i * lines[c].step]);
            workspace[c * pitch + i] = sums[c];
        }
}

// The results of a block. The sum of this block and of all before.
template <class T>
typename T::Accumulator finish(const Line<T>& line, std::int64_t length, typename T::Accumulator before,
                               const typename T::Accumulator* sums) {
    if (line.step == 1)
        for (std::int64_t i = 0; i < length; ++i) line.y[i] = T::narrow(before + sums[i]);
    else
        for (std::int64_t i = 0; i < length; ++i) line.y[i * line.step] = T::narrow(before + sums[i]);
    return before + sums[length - 1];
}

template <class T, int chains>
void scan_blocks(Line<T>& line, std::int64_t length, typename T::Accumulator& before,
                 typename T::Accumulator* workspace) {
    Line<T> blocks[chains];
    for (int c = 0; c < chains; ++c) {
        blocks[c] = line;
        line.x += length * line.step;
        line.y += length * line.step;
    }
    chain<T, chains>(blocks, length, workspace);
    for (int c = 0; c < chains; ++c) before = finish(blocks[c], length, before, workspace + c * pitch);
}

template <class T>
void scan_line(Line<T> line, std::int64_t count, typename T::Accumulator* workspace,
               typename T::Accumulator before = 0) {
    for (; count >= most_chains * block; count -= most_chains * block)
        scan_blocks<T, most_chains>(line, block, before, workspace);
    for (; count >= 2 * block; count -= 2 * block) scan_blocks<T, 2>(line, block, before, workspace);
    for (; count > 0; count -= block) scan_blocks<T, 1>(line, count < block ? count : block, before, workspace);
}

// Dense lines [begin, end). Short ones go side by side.
template <class T>
void scan_lines(const typename T::Element* x, typename T::Result* y, std::int64_t count, bool reverse,
                std::int64_t begin, std::int64_t end, typename T::Accumulator* workspace) {
    const auto line = [&](std::int64_t i) {
        const std::int64_t first = i * count + (reverse ? count - 1 : 0);
        return Line<T>{x + first, y + first, reverse ? -1 : 1};
    };
    if (count == 0) return;
    for (; count <= block && end - begin >= most_chains; begin += most_chains) {
        Line<T> lines[most_chains];
        for (int c = 0; c < most_chains; ++c) lines[c] = line(begin + c);
        chain<T, most_chains>(lines, count, workspace);
        for (int c = 0; c < most_chains; ++c) finish<T>(lines[c], count, 0, workspace + c * pitch);
    }
    for (; begin < end; ++begin) scan_line(line(begin), count, workspace);
}

// Some blocks of long lines.
template <class T>
class Parts {
public:
    using Sum = typename T::Accumulator;
    Parts(const typename T::Element* x, typename T::Result* y, const std::int64_t* extents, void* common)
        : x_(x),
          y_(y),
          count_(extents[2]),
          blocks_((count_ + block - 1) / block),
          parts_(extents[5]),
          lines_(extents[6]),
          phase_(extents[7]),
          is_reverse_(extents[1] != 0),
          is_done_(static_cast<std::int64_t*>(common)),
          sums_(reinterpret_cast<Sum*>(static_cast<char*>(common) + 64)) {}

    void run(std::int64_t begin, std::int64_t end, Sum* workspace) {
        switch (work_of_range(phase_, begin, end, lines_ * parts_, is_done_)) {
            case PhaseWork::whole_call:
                return scan_lines<T>(x_, y_, count_, is_reverse_, 0, lines_, workspace);
            case PhaseWork::nothing:
                return;
            case PhaseWork::own_range:
                break;
        }
        for (; begin < end; ++begin) {
            const std::int64_t line = begin / parts_, part = begin % parts_;
            const std::int64_t first = blocks_ * part / parts_, last = blocks_ * (part + 1) / parts_;
            Sum* const sums = sums_ + line * blocks_;
            if (phase_ == 0) {
                for (std::int64_t b = first; b < last; b += most_chains)
                    add_up(line, b, last - b < most_chains ? last - b : most_chains, sums + b);
            } else {
                Sum before = 0;
                for (std::int64_t b = 0; b < first; ++b) before += sums[b];
                const std::int64_t elements = last * block < count_ ? (last - first) * block : count_ - first * block;
                scan_line<T>(at(line, first * block), elements, workspace, before);
            }
        }
    }

private:
    Line<T> at(std::int64_t line, std::int64_t element) const {
        const std::int64_t i = line * count_ + (is_reverse_ ? count_ - 1 - element : element);
        return {x_ + i, y_ + i, is_reverse_ ? -1 : 1};
    }
    // Of several blocks from one on. The last one of a line may be shorter.
    void add_up(std::int64_t line, std::int64_t first, std::int64_t blocks, Sum* sums) const {
        Sum chains[most_chains] = {};
        const Line<T> from = at(line, first * block);
        const std::int64_t rest = count_ - (first + blocks - 1) * block;
        const std::int64_t shortest = rest < block ? rest : block;
        if (blocks == most_chains)
            for (std::int64_t i = 0; i < shortest; ++i)
                for (std::int64_t c = 0; c < most_chains; ++c)
                    chains[c] += T::widen(from.x[(c * block + i) * from.step]);
        else
            for (std::int64_t c = 0; c < blocks; ++c)
                for (std::int64_t i = 0; i < shortest; ++i) chains[c] += T::widen(from.x[(c * block + i) * from.step]);
        for (std::int64_t c = 0; c < blocks - (shortest < block ? 1 : 0); ++c)
            for (std::int64_t i = shortest; i < block; ++i) chains[c] += T::widen(from.x[(c * block + i) * from.step]);
        for (std::int64_t c = 0; c < blocks; ++c) sums[c] = chains[c];
    }

    const typename T::Element* x_;
    typename T::Result* y_;
    std::int64_t count_, blocks_, parts_, lines_, phase_;
    bool is_reverse_;
    std::int64_t* is_done_;
    Sum* sums_;  // of each block
};

// Lines side by side, as many as `columns` says or, where that is 0, `width`.
template <class T, std::int64_t columns>
void scan_columns(Line<T> line, std::int64_t count, std::int64_t width) {
    typename T::Accumulator before[most_columns] = {}, sums[most_columns] = {};
    const std::int64_t n = columns == 0 ? width : columns;
    for (std::int64_t i = 0, left = block; i < count; ++i, --left) {
        if (left == 0) {
            for (std::int64_t c = 0; c < n; ++c) before[c] += sums[c], sums[c] = 0;
            left = block;
        }
        for (std::int64_t c = 0; c < n; ++c) {
            sums[c] += T::widen(line.x[c]);
            line.y[c] = T::narrow(before[c] + sums[c]);
        }
        line.x += line.step;
        line.y += line.step;
    }
}

template <class T>
void scan(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
          std::int64_t end, lathe_task* task) {
    const auto* const x = static_cast<const typename T::Element*>(slots[operands[0]]);
    auto* const y = static_cast<typename T::Result*>(slots[operands[1]]);
    const bool reverse = extents[1] != 0;
    const std::int64_t count = extents[2];
    if (extents[4] == 0) {
        auto* const workspace = static_cast<typename T::Accumulator*>(task->workspace);
        if (extents[5] == 1) return scan_lines<T>(x, y, count, reverse, begin, end, workspace);
        return Parts<T>(x, y, extents, slots[operands[2]]).run(begin, end, workspace);
    }
    for_each_panel(extents, begin, end, [&](std::int64_t first, std::int64_t step, std::int64_t width) {
        const Line<T> line{x + first, y + first, step};
        if (width == most_columns)
            scan_columns<T, most_columns>(line, count, width);
        else
            scan_columns<T, 0>(line, count, width);
    });
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_cumsum_v2(void* const* slots, const std::uint32_t* operands,
                                                           const std::int64_t* extents, std::int64_t begin,
                                                           std::int64_t end, lathe_task* task) {
    with_sums_of(extents[0], [&]<class T>(T) { scan<T>(slots, operands, extents, begin, end, task); });
}
