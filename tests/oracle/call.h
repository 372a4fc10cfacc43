// A call that PyTorch recorded, as the functions of this library are called in its place.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lathe.h"

namespace lathe::oracle {

using Json = nlohmann::ordered_json;  // gradients come in the order of the arguments

// A record that no function of ours is for, with the reason.
class NotOurs : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The arguments by position or by name, with the input as the first; numbers and tensors in them as ours.
class Call {
public:
    Call(const Json& record, const std::map<std::string, Tensor>& tensors) : record_(record), tensors_(tensors) {}

    std::string op() const { return record_["op"]; }
    std::string variant() const { return record_["variant"]; }
    std::size_t size() const { return 1 + record_["args"].size(); }
    // Null where there is none. The input is argument 0.
    const Json& argument(std::size_t position, const char* name = "") const {
        static const Json none;
        if (record_["kwargs"].contains(name)) return record_["kwargs"][name];
        if (position == 0) return record_["input"];
        return position <= record_["args"].size() ? record_["args"][position - 1] : none;
    }
    // Throws NotOurs where there are others by name.
    void expect_names(std::initializer_list<const char*> known) const {
        for (const auto& [name, value] : record_["kwargs"].items()) {
            bool found = false;
            for (const char* k : known) found = found || name == k;
            if (!found) throw NotOurs("the option " + name);
        }
    }

    static bool is_tensor(const Json& j) { return j.is_object() && j.contains("t"); }
    bool has_tensor(std::size_t position, const char* name = "") const { return is_tensor(argument(position, name)); }
    Tensor tensor(const Json& j) const {
        if (!is_tensor(j)) throw NotOurs("an argument that is no tensor");
        return tensors_.at(j["t"]);
    }
    Tensor tensor(std::size_t position, const char* name = "") const { return tensor(argument(position, name)); }
    std::vector<Tensor> tensors(std::size_t position, const char* name = "") const {
        std::vector<Tensor> all;
        for (const Json& j : argument(position, name)) all.push_back(tensor(j));
        return all;
    }

    template <class T>
    T value(std::size_t position, const char* name, T otherwise) const {
        const Json& j = argument(position, name);
        if (j.is_null()) return otherwise;
        if (j.is_object() || j.is_array()) throw NotOurs(std::string(name) + " is no plain value");
        return j.get<T>();
    }
    std::int64_t integer(std::size_t position, const char* name) const {
        const Json& j = argument(position, name);
        if (!j.is_number_integer()) throw NotOurs(std::string(name) + " is no integer");
        return j;
    }
    std::int64_t integer(std::size_t position, const char* name, std::int64_t otherwise) const {
        return value<std::int64_t>(position, name, otherwise);
    }
    double number(std::size_t position, const char* name, double otherwise) const {
        return value<double>(position, name, otherwise);
    }
    bool flag(std::size_t position, const char* name, bool otherwise = false) const {
        return value<bool>(position, name, otherwise);
    }
    std::string text(std::size_t position, const char* name, const char* otherwise) const {
        return value<std::string>(position, name, otherwise);
    }
    // A number, a list of them, or neither, which is an empty list.
    std::vector<std::int64_t> integers(std::size_t position, const char* name = "") const {
        const Json& j = argument(position, name);
        if (j.is_null()) return {};
        if (j.is_number_integer()) return {j.get<std::int64_t>()};
        std::vector<std::int64_t> all;
        for (const Json& n : j) {
            if (!n.is_number_integer()) throw NotOurs(std::string(name) + " has entries that are no integers");
            all.push_back(n);
        }
        return all;
    }

private:
    const Json& record_;
    const std::map<std::string, Tensor>& tensors_;
};

// What a record's results are computed by.
using Translation = std::vector<Tensor> (*)(const Call&);
using Translations = std::map<std::string, Translation>;

// By family.
Translations elementwise();
Translations reductions();
Translations movement();
Translations indexing();
Translations updates();
Translations products();
Translations windows();
Translations networks();
Translations losses();
Translations activations();
Translations fourier();
Translations linear_algebra();
Translations numerics();

}  // namespace lathe::oracle
