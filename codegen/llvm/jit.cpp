#include "codegen/llvm/jit.h"

#include <atomic>
#include <string>

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>

#include "ir/error.h"

namespace lathe::codegen {

struct Jit::State {
    std::unique_ptr<llvm::orc::LLJIT> jit;
    std::atomic<std::uint64_t> libraries{0};
};

namespace {

[[noreturn]] void refuse(llvm::Error error) {
    throw ResourceError("machine code cannot be loaded: " + llvm::toString(std::move(error)));
}

template <class T>
T expect(llvm::Expected<T> value) {
    if (!value) refuse(value.takeError());
    return std::move(*value);
}

}  // namespace

Jit& Jit::shared() {
    static auto* jit = new Jit;  // kernels may run until the process ends
    return *jit;
}

Jit::Jit() : state_(std::make_shared<State>()) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    llvm::orc::LLJITBuilder builder;
    llvm::orc::JITTargetMachineBuilder machine{llvm::Triple("x86_64-unknown-linux-gnu")};
    machine.setRelocationModel(llvm::Reloc::PIC_);
    builder.setJITTargetMachineBuilder(std::move(machine));
    builder.setPlatformSetUp(llvm::orc::setUpInactivePlatform);
    builder.setLinkProcessSymbolsByDefault(false);
    state_->jit = expect(builder.create());
    // Failures reach the callers as errors; nothing is printed.
    state_->jit->getExecutionSession().setErrorReporter([](llvm::Error e) { llvm::consumeError(std::move(e)); });
}

Jit::~Jit() = default;

std::shared_ptr<const LoadedCode> Jit::load(std::span<const std::byte> object, std::string_view symbol) {
    class Loaded final : public LoadedCode {
    public:
        Loaded(std::shared_ptr<State> state, llvm::orc::JITDylib& library)
            : state_(std::move(state)), library_(library) {}
        ~Loaded() override {
            if (llvm::Error e = state_->jit->getExecutionSession().removeJITDylib(library_))
                llvm::consumeError(std::move(e));
        }

    private:
        std::shared_ptr<State> state_;
        llvm::orc::JITDylib& library_;
    };

    llvm::orc::LLJIT& jit = *state_->jit;
    // A library of its own gives every load its own names.
    auto made = jit.getExecutionSession().createJITDylib("kernel" + std::to_string(state_->libraries.fetch_add(1)));
    if (!made) refuse(made.takeError());
    llvm::orc::JITDylib& library = *made;
    auto loaded = std::make_shared<Loaded>(state_, library);
    const llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
    if (llvm::Error e = jit.addObjectFile(library, llvm::MemoryBuffer::getMemBufferCopy(bytes, "kernel")))
        refuse(std::move(e));
    const auto address = expect(jit.lookup(library, llvm::StringRef(symbol.data(), symbol.size())));
    loaded->entry = address.toPtr<lathe_kernel>();
    return loaded;
}

}  // namespace lathe::codegen
