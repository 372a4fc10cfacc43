#include "codegen/llvm/object.h"

#include <cstring>
#include <mutex>

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include "codegen/llvm/emitter.h"
#include "codegen/llvm/machine.h"
#include "ir/error.h"
#include "ir/loops/text.h"

namespace lathe::codegen {

namespace {

void initialize_llvm() {
    static std::once_flag once;
    std::call_once(once, [] {
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        LLVMInitializeX86AsmPrinter();
        // The emitter shapes addresses itself, and orders instructions well enough for processors that reorder them:
        // these passes cost a fifth of the compile time and gain nothing. Nor does a long search for the best places
        // to split live ranges at, nor one for integers that had better live in registers of masks.
        auto& options = llvm::cl::getRegisteredOptions();
        for (const auto& [name, value] : {std::pair{"disable-lsr", "true"},
                                          {"enable-misched", "false"},
                                          {"disable-post-ra", "true"},
                                          {"disable-x86-domain-reassignment", "true"},
                                          {"grow-region-complexity-budget", "100"}})
            if (const auto at = options.find(name); at != options.end()) at->second->addOccurrence(0, name, value);
    });
}

// LLVM 19 writes a choice between vectors of integers, one of them a logical function of the other and a constant, as a
// masked vpternlog, with the truth table of other operands. Floats are chosen by instructions of their own.
void choose_as_floats(llvm::Function& function) {
    const auto is_logical = [](const llvm::Value* v) {
        const auto* const operation = llvm::dyn_cast<llvm::BinaryOperator>(v);
        return operation != nullptr && operation->isBitwiseLogicOp();
    };
    std::vector<llvm::SelectInst*> choices;
    for (llvm::Instruction& instruction : llvm::instructions(function))
        if (auto* const choice = llvm::dyn_cast<llvm::SelectInst>(&instruction))
            if (is_logical(choice->getTrueValue()) || is_logical(choice->getFalseValue())) choices.push_back(choice);
    for (llvm::SelectInst* const choice : choices) {
        auto* const type = llvm::dyn_cast<llvm::FixedVectorType>(choice->getType());
        if (type == nullptr) continue;
        llvm::IRBuilder<> builder(choice);
        const unsigned bits = type->getScalarSizeInBits();
        if (bits != 32 && bits != 64) continue;
        auto* const floats = llvm::FixedVectorType::get(bits == 32 ? builder.getFloatTy() : builder.getDoubleTy(),
                                                        type->getNumElements());
        llvm::Value* const chosen =
            builder.CreateSelect(choice->getCondition(), builder.CreateBitCast(choice->getTrueValue(), floats),
                                 builder.CreateBitCast(choice->getFalseValue(), floats));
        choice->replaceAllUsesWith(builder.CreateBitCast(chosen, type));
        choice->eraseFromParent();
    }
}

// The optimizer's bookkeeping, built once for a target machine.
struct Optimizer {
    explicit Optimizer(llvm::TargetMachine& machine) : builder(&machine) {
        builder.registerModuleAnalyses(modules);
        builder.registerCGSCCAnalyses(sccs);
        builder.registerFunctionAnalyses(functions);
        builder.registerLoopAnalyses(loops);
        builder.crossRegisterProxies(loops, functions, sccs, modules);
        passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
        passes.addPass(llvm::EarlyCSEPass(true));
        passes.addPass(llvm::InstCombinePass());
        passes.addPass(
            llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
        passes.addPass(llvm::EarlyCSEPass());  // loops of one nest hoist the same products of extents
        passes.addPass(llvm::SimplifyCFGPass());
    }
    void run(llvm::Module& module) {
        for (llvm::Function& f : module)
            if (!f.isDeclaration()) {
                passes.run(f, functions);
                choose_as_floats(f);
            }
        functions.clear();
        loops.clear();
        modules.clear();
        sccs.clear();
    }

    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager sccs;
    llvm::ModuleAnalysisManager modules;
    llvm::PassBuilder builder;
    llvm::FunctionPassManager passes;
};

// Kernels must link into anything: a symbol that is not defined would be a library call that codegen chose.
void check_self_contained(llvm::MemoryBufferRef object, const ir::LoopNest& nest) {
    auto file = llvm::object::ObjectFile::createObjectFile(object);
    if (!file) throw InternalError("codegen: the object of kernel " + nest.name + " cannot be read back");
    for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
        auto flags = symbol.getFlags();
        if (!flags) {
            llvm::consumeError(flags.takeError());
            continue;
        }
        if ((*flags & llvm::object::SymbolRef::SF_Undefined) == 0) continue;
        auto name = symbol.getName();
        const std::string text = name ? name->str() : "?";
        if (!name) llvm::consumeError(name.takeError());
        if (!text.empty()) throw InternalError("codegen: kernel " + nest.name + " calls " + text + "\n" + print(nest));
    }
}

}  // namespace

std::unique_ptr<llvm::TargetMachine> make_machine(const std::string& cpu, const std::string& features) {
    initialize_llvm();
    std::string error;
    const llvm::Target* found = llvm::TargetRegistry::lookupTarget(triple, error);
    if (found == nullptr) throw InternalError("codegen: " + error);
    llvm::TargetOptions options;
    options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
    return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
        triple, cpu, features, options, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

llvm::SmallVector<char, 0> generate(llvm::TargetMachine& machine, llvm::Module& module, llvm::CodeGenFileType type) {
    llvm::SmallVector<char, 0> out;
    llvm::raw_svector_ostream stream(out);
    llvm::legacy::PassManager passes;
    if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
        throw InternalError("codegen: the target cannot write this kind of file");
    passes.run(module);
    return out;
}

struct ObjectCompiler::State {
    Target target;
    std::unique_ptr<llvm::TargetMachine> machine;
    std::unique_ptr<Optimizer> optimizer;

    std::unique_ptr<llvm::Module> optimized(llvm::LLVMContext& context, const ir::LoopNest& nest,
                                            std::string_view symbol) {
        auto module = std::make_unique<llvm::Module>(llvm::StringRef(symbol.data(), symbol.size()), context);
        module->setTargetTriple(triple);
        module->setDataLayout(machine->createDataLayout());
        llvm::IRBuilder<> builder(context);
        Emitter(nest, target, *module, builder).emit_kernel(symbol);
        std::string why;
        llvm::raw_string_ostream stream(why);
        if (llvm::verifyModule(*module, &stream))
            throw InternalError("codegen: kernel " + nest.name + " became invalid code: " + why + "\n" + print(nest));
        optimizer->run(*module);
        return module;
    }
};

ObjectCompiler::ObjectCompiler(const Target& target) : state_(std::make_unique<State>()) {
    state_->machine = make_machine(target.cpu, target.features);
    state_->target = target;
    state_->optimizer = std::make_unique<Optimizer>(*state_->machine);
}

ObjectCompiler::~ObjectCompiler() = default;

std::vector<std::byte> ObjectCompiler::compile(const ir::LoopNest& nest, std::string_view symbol) {
    llvm::LLVMContext context;
    const auto module = state_->optimized(context, nest, symbol);
    const auto code = generate(*state_->machine, *module, llvm::CodeGenFileType::ObjectFile);
    check_self_contained({llvm::StringRef(code.data(), code.size()), "kernel"}, nest);
    std::vector<std::byte> bytes(code.size());
    std::memcpy(bytes.data(), code.data(), code.size());
    return bytes;
}

std::string ObjectCompiler::llvm_text(const ir::LoopNest& nest, std::string_view symbol) {
    llvm::LLVMContext context;
    std::string text;
    llvm::raw_string_ostream stream(text);
    state_->optimized(context, nest, symbol)->print(stream, nullptr);
    return text;
}

std::string ObjectCompiler::assembly(const ir::LoopNest& nest, std::string_view symbol) {
    llvm::LLVMContext context;
    const auto module = state_->optimized(context, nest, symbol);
    const auto code = generate(*state_->machine, *module, llvm::CodeGenFileType::AssemblyFile);
    return {code.data(), code.size()};
}

}  // namespace lathe::codegen
