// The tables of a model that is compiled ahead of time, as data of an object; see runtime/aot_model.h.
#include "codegen/llvm/aot.h"

#include <algorithm>
#include <cstring>

#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

#include "codegen/llvm/machine.h"
#include "ir/error.h"
#include "ir/loops/order.h"
#include "runtime/aot_model.h"

namespace lathe::codegen {
namespace {

using Constants = std::vector<llvm::Constant*>;

std::vector<std::byte> bytes_of(llvm::StringRef text) {
    std::vector<std::byte> out(text.size());
    if (!text.empty()) std::memcpy(out.data(), text.data(), text.size());
    return out;
}

class TablesEmitter {
public:
    TablesEmitter(const AotTables& tables, llvm::Module& module)
        : tables_(tables),
          module_(module),
          b_(module.getContext()),
          i32_(b_.getInt32Ty()),
          i64_(b_.getInt64Ty()),
          pointer_(b_.getPtrTy()) {}

    void emit() {
        llvm::Constant* const model_info = info();
        llvm::Constant* const model = this->model(model_info);
        const std::string prefix = tables_.name + "_";
        define(prefix + "info", pointer_, {}, [&](llvm::Function&) { b_.CreateRet(model_info); });
        const auto forward = [&](const char* function, llvm::Type* result, std::vector<llvm::Type*> parameters) {
            define_forward(prefix + function, std::string("lathe_aot_") + function + "_v5", model, result,
                           std::move(parameters));
        };
        forward("plan_size", i64_, {});
        forward("bind", i32_, {pointer_, pointer_});
        forward("output_dims", i32_, {pointer_, i32_, pointer_});
        forward("workspace_size", i64_, {pointer_, i32_});
        forward("run", i32_, {pointer_, pointer_, pointer_, pointer_, pointer_, pointer_});
        if (!tables_.with_driver) return;
        for (const char* const name : {"info", "plan_size", "bind", "output_dims", "workspace_size", "run"})
            llvm::GlobalAlias::create(std::string("lathe_aot_model_") + name, module_.getFunction(prefix + name));
    }

private:
    // ---- constants

    llvm::Constant* number32(std::uint64_t n) { return llvm::ConstantInt::get(i32_, n & 0xffffffffU); }
    llvm::Constant* number64(std::int64_t n) { return llvm::ConstantInt::get(i64_, static_cast<std::uint64_t>(n)); }
    static llvm::Constant* record(const Constants& fields) {
        llvm::SmallVector<llvm::Type*> types;
        for (const llvm::Constant* f : fields) types.push_back(f->getType());
        return llvm::ConstantStruct::get(llvm::StructType::get(fields[0]->getContext(), types), fields);
    }

    llvm::Constant* data(llvm::Constant* initial, unsigned alignment = 8) {
        auto* const global =
            new llvm::GlobalVariable(module_, initial->getType(), true, llvm::GlobalValue::PrivateLinkage, initial);
        global->setAlignment(llvm::Align(alignment));
        return global;
    }
    // A pointer to the elements; null where there are none.
    llvm::Constant* array(const Constants& elements) {
        if (elements.empty()) return llvm::ConstantPointerNull::get(pointer_);
        return data(llvm::ConstantArray::get(llvm::ArrayType::get(elements[0]->getType(), elements.size()), elements));
    }
    llvm::Constant* numbers(std::span<const std::uint32_t> values) {
        if (values.empty()) return llvm::ConstantPointerNull::get(pointer_);
        return data(llvm::ConstantDataArray::get(module_.getContext(),
                                                 llvm::ArrayRef<std::uint32_t>(values.data(), values.size())));
    }
    llvm::Constant* text(const std::string& s) {
        return data(llvm::ConstantDataArray::getString(module_.getContext(), s), 1);
    }
    llvm::Constant* count(std::size_t n) { return number32(n); }

    // ---- tables, field by field as the C structs have them

    llvm::Constant* model_tensor(const AotTensor& t) {
        Constants dims;
        for (std::size_t i = 0; i < LATHE_MAX_RANK; ++i) dims.push_back(number64(i < t.shown.size() ? t.shown[i] : 0));
        return record({text(t.name), number32(static_cast<std::uint64_t>(t.dtype)), count(t.shown.size()),
                       llvm::ConstantArray::get(llvm::ArrayType::get(i64_, LATHE_MAX_RANK), dims),
                       number32(t.counted_axis), number32(t.counted_by)});
    }

    llvm::Constant* info() {
        Constants symbols, inputs, outputs, sites, sized;
        for (const std::string& s : tables_.symbols) symbols.push_back(text(s));
        for (const std::string& s : tables_.sites) sites.push_back(text(s));
        for (const AotTensor& t : tables_.inputs) inputs.push_back(model_tensor(t));
        for (const AotTensor& t : tables_.outputs) outputs.push_back(model_tensor(t));
        for (const AotSizedInput& s : tables_.sized)
            sized.push_back(record({model_tensor(s.tensor), number32(s.first), number32(s.count)}));
        return data(
            record({number32(LATHE_AOT_VERSION), number32(ir::numerics_version), text(tables_.name),
                    text(tables_.features), number32(static_cast<std::uint64_t>(tables_.programs.back().cpu_level)),
                    count(symbols.size()), count(inputs.size()), count(outputs.size()), count(sites.size()),
                    array(symbols), array(inputs), array(outputs), array(sites), count(sized.size()), array(sized)}));
    }

    // Records of 32-bit numbers alone.
    llvm::Constant* record32(std::initializer_list<std::uint32_t> fields) {
        Constants out;
        for (const std::uint32_t f : fields) out.push_back(number32(f));
        return record(out);
    }

    llvm::Constant* plan_tensors(std::span<const lathe_plan_tensor> tensors) {
        Constants out;
        for (const lathe_plan_tensor& t : tensors)
            out.push_back(record({number64(t.element_size), number32(t.first_dim), number32(t.rank)}));
        return array(out);
    }

    llvm::Constant* plan(const AotProgram& program, std::span<llvm::Constant* const> all_constants) {
        const runtime::PlanTables& t = program.plan->tables();
        const lathe_plan& p = program.plan->c_plan();
        Constants tokens, expressions, constants, temporaries, kernels, steps;
        for (const lathe_token& x : t.tokens) tokens.push_back(record({number64(x.value), number64(x.code)}));
        for (const lathe_expression& x : t.expressions) expressions.push_back(record32({x.first, x.count}));
        for (const std::uint32_t c : program.constants) constants.push_back(all_constants[c]);
        for (const lathe_plan_temporary& x : t.temporaries) temporaries.push_back(record32({x.bytes, x.within}));
        for (const std::string& symbol : program.kernels) kernels.push_back(kernel(symbol));
        for (const lathe_plan_step& x : t.steps)
            steps.push_back(record32({x.kind, x.target, x.kernel, x.first_operand, x.operand_count, x.first_extent,
                                      x.extent_count, x.trips, x.cost, x.workspace, x.symbol,
                                      x.first_site + program.first_site, x.is_dynamic, x.repeats}));
        return data(record({array(tokens),
                            array(expressions),
                            numbers(t.sizes),
                            numbers(t.operands),
                            numbers(t.preconditions),
                            plan_tensors(t.inputs),
                            plan_tensors(t.outputs),
                            array(constants),
                            array(temporaries),
                            array(kernels),
                            array(steps),
                            numbers(t.shared),
                            number32(p.expression_count),
                            number32(p.precondition_count),
                            number32(p.input_count),
                            number32(p.output_count),
                            number32(p.constant_count),
                            number32(p.temporary_count),
                            number32(p.step_count),
                            number32(p.symbol_count),
                            number32(p.iteration_count),
                            number32(p.shared_count),
                            number32(p.extent_count)}));
    }

    llvm::Constant* model(llvm::Constant* model_info) {
        Constants constants, levels;
        for (const std::span<const std::byte> bytes : tables_.constants)
            constants.push_back(data(llvm::ConstantDataArray::getRaw(
                                         llvm::StringRef(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                                         bytes.size(), b_.getInt8Ty()),
                                     64));
        for (const AotProgram& p : tables_.programs)
            levels.push_back(record({number64(p.cpu_level), plan(p, constants)}));
        return data(record({model_info, array(levels), numbers(tables_.distinct), count(levels.size()),
                            number32(tables_.distinct_count)}));
    }

    // ---- functions

    llvm::Function* declare(const std::string& name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> parameters) {
        auto* const function = llvm::cast<llvm::Function>(
            module_.getOrInsertFunction(name, llvm::FunctionType::get(result, parameters, false)).getCallee());
        function->setDoesNotThrow();
        return function;
    }

    // What other objects of the model define.
    llvm::Function* declare_inside(const std::string& name, llvm::Type* result,
                                   llvm::ArrayRef<llvm::Type*> parameters) {
        llvm::Function* const function = declare(name, result, parameters);
        function->setVisibility(llvm::GlobalValue::HiddenVisibility);
        return function;
    }

    llvm::Constant* kernel(const std::string& symbol) {
        return declare_inside(symbol, b_.getVoidTy(), {pointer_, pointer_, pointer_, i64_, i64_, pointer_});
    }

    template <class Body>
    void define(const std::string& name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> parameters, Body&& body) {
        llvm::Function* const function = declare(name, result, parameters);
        b_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", function));
        body(*function);
    }

    // NAME_f(...) { return function(&model, ...); }
    void define_forward(const std::string& name, const std::string& function_name, llvm::Constant* model,
                        llvm::Type* result, std::vector<llvm::Type*> parameters) {
        define(name, result, parameters, [&](llvm::Function& function) {
            parameters.insert(parameters.begin(), pointer_);
            std::vector<llvm::Value*> arguments{model};
            for (llvm::Argument& a : function.args()) arguments.push_back(&a);
            b_.CreateRet(b_.CreateCall(declare_inside(function_name, result, parameters), arguments));
        });
    }

    const AotTables& tables_;
    llvm::Module& module_;
    llvm::IRBuilder<> b_;
    llvm::IntegerType *i32_, *i64_;
    llvm::PointerType* pointer_;
};

}  // namespace

std::vector<std::byte> tables_object(const AotTables& tables) {
    const auto machine = make_machine("x86-64");  // nothing is known of the processor yet
    llvm::LLVMContext context;
    llvm::Module module(tables.name, context);
    module.setTargetTriple(triple);
    module.setDataLayout(machine->createDataLayout());
    TablesEmitter(tables, module).emit();
    std::string why;
    llvm::raw_string_ostream stream(why);
    if (llvm::verifyModule(module, &stream)) throw InternalError("aot: " + tables.name + " became invalid: " + why);
    const auto code = generate(*machine, module, llvm::CodeGenFileType::ObjectFile);
    return bytes_of({code.data(), code.size()});
}

std::vector<std::byte> archive_bytes(std::span<const ObjectFile> objects) {
    std::vector<llvm::NewArchiveMember> members;
    for (const ObjectFile& o : objects) {
        const llvm::StringRef bytes(reinterpret_cast<const char*>(o.bytes->data()), o.bytes->size());
        members.emplace_back(llvm::MemoryBufferRef(bytes, o.name));
    }
    auto out = llvm::writeArchiveToBuffer(members, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
                                          /*Deterministic=*/true, /*Thin=*/false,
                                          [](llvm::Error e) { llvm::consumeError(std::move(e)); });
    if (!out) throw InternalError("aot: the archive cannot be written: " + llvm::toString(out.takeError()));
    return bytes_of((*out)->getBuffer());
}

}  // namespace lathe::codegen
