// LLVM's static objects are never destroyed: this library is loaded late, so that they would be destroyed early, while
// the host's static objects may still ask for values that have to be compiled. All code in this library registers its
// destructors here; what thread-local objects register goes elsewhere.
extern "C" [[gnu::visibility("hidden")]] int __cxa_atexit(void (*)(void*), void*, void*) noexcept {  // NOLINT
    return 0;
}
