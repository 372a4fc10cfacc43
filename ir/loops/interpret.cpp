#include "ir/loops/interpret.h"

#include <cstring>
#include <unordered_map>

#include "ir/float_environment.h"
#include "ir/loops/walk.h"

namespace lathe::ir {

namespace {

std::uint64_t load_bits(const std::byte* at, std::size_t size) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, at, size);
    return bits;
}

std::int64_t to_index(std::uint64_t bits, Dtype d) {
    if (!is_signed_integer(d)) return static_cast<std::int64_t>(bits);
    const auto unused = static_cast<unsigned>(64 - 8 * size_of(d));
    return static_cast<std::int64_t>(bits << unused) >> unused;
}

// Programs are looked up once per statement.
struct ReducePrograms {
    const ScalarProgram *init, *step, *combine, *finish;
};

class Interpreter {
public:
    Interpreter(const LoopNest& nest, std::span<void* const> buffers, std::span<const std::int64_t> extents)
        : nest_(nest), symbols_(nest.symbols.size(), 0), values_(nest.value_dtypes.size(), 0) {
        if (extents.size() != nest.extent_count() || buffers.size() != nest.argument_count())
            fail("it was called with " + std::to_string(buffers.size()) + " buffers and " +
                 std::to_string(extents.size()) + " extents");
        std::ranges::copy(extents, symbols_.begin());
        std::size_t argument = 0;
        for (const Buffer& b : nest.buffers) {
            Memory m;
            for (Dim d : b.type.shape) m.extents.push_back(value(d));
            m.size = size_of(b.type.dtype);
            if (b.role != BufferRole::scratch) m.data = static_cast<std::byte*>(buffers[argument++]);
            memory_.push_back(std::move(m));
        }
    }

    Fault run(std::int64_t begin, std::int64_t end) {
        if (begin >= end) return fault_;
        begin_ = begin;
        end_ = end;
        body(nest_.body);
        return fault_;
    }

private:
    struct Memory {
        std::byte* data = nullptr;
        std::vector<std::int64_t> extents;
        std::size_t size = 0;
        std::vector<std::byte> owned;  // scratch
    };

    [[noreturn]] void fail(const std::string& why) const { throw InternalError("kernel " + nest_.name + ": " + why); }

    std::int64_t value(Dim d) const {
        const auto v = d.evaluate(symbols_, Dim::DivisionByZero::is_by_one);
        if (!v) fail("index expression " + d.to_string(nest_.symbol_names()) + " has no value");
        return *v;
    }
    bool hold(const std::vector<Dim>& guards) const {
        for (Dim d : guards)
            if (value(d) < 0) return false;
        return true;
    }
    Dtype dtype(ValueId v) const { return nest_.value_dtypes[static_cast<std::size_t>(v)]; }
    std::uint64_t& slot(ValueId v) { return values_[static_cast<std::size_t>(v)]; }

    std::byte* address(BufferId b, const std::vector<Dim>& index) {
        Memory& m = memory_[static_cast<std::size_t>(b)];
        const std::int64_t offset = linear_offset(std::span<const std::int64_t>(m.extents), [&](std::size_t d) {
            const std::int64_t i = value(index[d]);
            if (i < 0 || i >= m.extents[d])
                fail("index " + std::to_string(i) + " of dimension " + std::to_string(d) + " of " +
                     nest_.buffers[static_cast<std::size_t>(b)].name + " is outside [0, " +
                     std::to_string(m.extents[d]) + ")");
            return i;
        });
        if (m.data == nullptr)
            fail("access to " + nest_.buffers[static_cast<std::size_t>(b)].name + ", which has no memory");
        return m.data + static_cast<std::size_t>(offset) * m.size;
    }

    void execute_program(const ScalarProgram& p, std::span<const std::uint64_t> operands,
                         std::span<std::uint64_t> results) {
        execute(p, operands, results, scratch_);
    }

    void body(const Statements& statements) {
        for (const Stmt& s : statements)
            std::visit(Overloaded{
                           [&](const Load& l) {
                               slot(l.result) =
                                   hold(l.guards) ? load_bits(address(l.buffer, l.index), size_of(dtype(l.result))) : 0;
                           },
                           [&](const Store& st) {
                               if (hold(st.guards))
                                   std::memcpy(address(st.buffer, st.index), &slot(st.value), size_of(dtype(st.value)));
                           },
                           [&](const Compute& c) { compute(c); },
                           [&](const Constant& c) { slot(c.result) = c.bits; },
                           [&](const IndexValue& i) { slot(i.result) = static_cast<std::uint64_t>(value(i.index)); },
                           [&](const Condition& c) { slot(c.result) = hold(c.guards) ? 1 : 0; },
                           [&](const BindIndex& b) { bind(b); },
                           [&](const Alloc& a) { allocate(memory_[static_cast<std::size_t>(a.buffer)]); },
                           [&](const Loop& l) {
                               const bool parallel = l.kind == LoopKind::parallel;
                               std::int64_t begin = parallel ? begin_ * l.step : 0;
                               std::int64_t end = parallel ? end_ * l.step : value(l.extent);
                               if (l.only) {
                                   const std::int64_t only = value(*l.only);
                                   end = std::min(end, only + 1);
                                   begin = std::max(begin, only);
                               }
                               for (std::int64_t i = begin; i < end; i += l.step) {
                                   symbols_[l.var] = i;
                                   body(l.body);
                               }
                           },
                           [&](const Reduce& r) { reduce(r); },
                       },
                       s.node);
    }

    // Undefined contents are made visible: a read before a write gives a value that no test expects.
    static void allocate(Memory& m) {
        std::size_t count = 1;
        for (std::int64_t e : m.extents) count *= static_cast<std::size_t>(e);
        m.owned.assign(count * m.size, std::byte{0xA5});
        m.data = m.owned.data();
    }

    void bind(const BindIndex& b) {
        const std::int64_t index = to_index(slot(b.value), dtype(b.value)), bound = value(b.bound);
        if ((index < 0 || index >= bound) && hold(b.guards)) {
            const Fault fault{b.site, dtype(b.value) == Dtype::u64, index, bound, value(b.position)};
            if (fault.precedes(fault_)) fault_ = fault;
        }
        symbols_[b.symbol] = std::max<std::int64_t>(0, std::min(index, bound - 1));
    }

    void compute(const Compute& c) {
        const ScalarProgram*& program = programs_[&c];
        if (program == nullptr) {
            std::vector<Dtype> dtypes;
            for (ValueId v : c.operands) dtypes.push_back(dtype(v));
            program = &program_of(c, dtypes, dtype(c.results[0]));
        }
        std::uint64_t operands[16], results[8];
        if (c.operands.size() > std::size(operands) || c.results.size() > std::size(results)) fail("too many operands");
        for (std::size_t i = 0; i < c.operands.size(); ++i) operands[i] = slot(c.operands[i]);
        execute_program(*program, {operands, c.operands.size()}, {results, c.results.size()});
        for (std::size_t i = 0; i < c.results.size(); ++i) slot(c.results[i]) = results[i];
    }

    void reduce(const Reduce& r) {
        ReducePrograms& p = reducers_[&r];
        if (p.init == nullptr)
            p = {&program_of(r, ReducerPart::init), &program_of(r, ReducerPart::step),
                 &program_of(r, ReducerPart::combine), &program_of(r, ReducerPart::finish)};
        const std::size_t n = p.init->results.size();
        std::vector<std::uint64_t> total(n), operands(2 * n + r.element.size() + 1),
            lanes(n * static_cast<std::size_t>(r.lanes));
        const auto combine = [&](std::uint64_t* into, const std::uint64_t* later) {
            std::copy_n(into, n, operands.begin());
            std::copy_n(later, n, operands.begin() + static_cast<std::ptrdiff_t>(n));
            execute_program(*p.combine, std::span(operands).first(2 * n), {into, n});
        };
        execute_program(*p.init, {}, total);
        const std::int64_t extent = value(r.extent);
        for (std::int64_t begin = 0; begin < extent; begin += r.block) {
            for (std::int64_t l = 0; l < r.lanes; ++l)
                execute_program(*p.init, {}, std::span(lanes).subspan(static_cast<std::size_t>(l) * n, n));
            const std::int64_t end = std::min(extent, begin + r.block);
            for (std::int64_t i = begin; i < end; ++i) {
                symbols_[r.var] = i;
                body(r.body);
                std::uint64_t* acc = lanes.data() + static_cast<std::size_t>(i % r.lanes) * n;
                std::copy_n(acc, n, operands.begin());
                for (std::size_t e = 0; e < r.element.size(); ++e) operands[n + e] = slot(r.element[e]);
                operands[n + r.element.size()] = static_cast<std::uint64_t>(value(r.index_base) + i);
                execute_program(*p.step, std::span(operands).first(n + r.element.size() + 1), {acc, n});
            }
            for (std::int64_t half = r.lanes / 2; half >= 1; half /= 2)
                for (std::int64_t l = 0; l < half; ++l)
                    combine(lanes.data() + static_cast<std::size_t>(l) * n,
                            lanes.data() + static_cast<std::size_t>(l + half) * n);
            combine(total.data(), lanes.data());
        }
        if (r.finish) {
            std::vector<std::uint64_t> results(p.finish->results.size());
            execute_program(*p.finish, total, results);
            total = std::move(results);
        }
        for (std::size_t i = 0; i < r.results.size(); ++i) slot(r.results[i]) = total[i];
    }

    const LoopNest& nest_;
    std::vector<std::int64_t> symbols_;
    std::int64_t begin_ = 0, end_ = 1;  // iterations of parallel loops that run
    std::vector<std::uint64_t> values_;
    std::vector<Memory> memory_;
    std::vector<std::uint64_t> scratch_;
    std::unordered_map<const Compute*, const ScalarProgram*> programs_;
    std::unordered_map<const Reduce*, ReducePrograms> reducers_;
    Fault fault_;
};

}  // namespace

std::string Fault::to_string() const {
    return (is_unsigned ? std::to_string(static_cast<std::uint64_t>(index)) : std::to_string(index)) + " at position " +
           std::to_string(position) + " is out of range for " + std::to_string(bound);
}

Fault interpret(const LoopNest& nest, std::span<void* const> buffers, std::span<const std::int64_t> extents,
                std::int64_t begin, std::int64_t end) {
    const FloatEnvironment floats;
    return Interpreter(nest, buffers, extents).run(begin, end);
}

}  // namespace lathe::ir
