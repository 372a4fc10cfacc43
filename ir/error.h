// What Lathe throws. The library prints nothing and never aborts; after an error nothing is half-done.
#pragma once

#include <stdexcept>
#include <string>

#include "ir/loc.h"
#include "ir/printable.h"

namespace lathe {

// Every error of the library derives from this; what() is one complete sentence with the op, the types and the
// location.
class Error : public std::runtime_error {
public:
    Error(const std::string& message, ir::Loc loc)
        : std::runtime_error(ir::printable(loc.known() ? loc.to_string() + ": " + message : message)), loc_(loc) {}
    explicit Error(const std::string& message) : std::runtime_error(ir::printable(message)) {}
    ir::Loc loc() const { return loc_; }

private:
    ir::Loc loc_;
};

// The caller's mistake.
class UserError : public Error {
    using Error::Error;
};
class TypeError : public UserError {  // shapes or dtypes that don't fit the op
    using UserError::UserError;
};
class IndexError : public UserError {  // an index out of range, found when a kernel ran
    using UserError::UserError;
};
class FormatError : public UserError {  // a file or text that does not parse or verify
    using UserError::UserError;
};

// Memory, disk or a limit that the host set is exhausted.
class ResourceError : public Error {
    using Error::Error;
};

// A defect of Lathe: what() names the pass and shows the IR.
class InternalError : public Error {
    using Error::Error;
};

}  // namespace lathe
