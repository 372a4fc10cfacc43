// Tables of numbers as text: rows on lines, commas or what else between
// columns. Cells may stand in quotes, in which a quote is doubled, and
// delimiters and ends of lines are characters like others (RFC 4180). Blanks
// around a cell are none of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/tensor/array.h"
#include "frontend/tensor/where.h"

namespace lathe {

// A rank-2 array of a number type. All rows have as many columns as the first.
// Throws FormatError naming `name`, row and column. Floats are read with one
// rounding to f32 or f64, f16 and bf16 by way of f32; one that is larger than
// all of its type is none.
Array parse_csv(std::string_view text, const std::string& name, ir::Dtype dtype = ir::Dtype::f32,
                Where where = Where::current());

// A gzip-compressed file is unpacked.
Array read_csv(const std::string& path, ir::Dtype dtype = ir::Dtype::f32, Where where = Where::current());

struct CsvOptions {
    ir::Dtype dtype = ir::Dtype::f32;
    char delimiter = ',';  // any but a quote, a letter, a digit and what ends lines
    bool header = false;   // the first row names the columns
    // Those to read, by name, in this order; none: all. The others may hold
    // anything.
    std::vector<std::string> columns = {};
    // What is read for a missing number, "nan" or "-1"; none: it is refused. A
    // number is missing where the cell is empty or one of these words.
    std::optional<std::string> missing = {};
    std::vector<std::string> missing_words = {"NA", "NaN", "null", "?"};
};

struct CsvTable {
    Array numbers;                     // [rows, columns]; a header alone makes a table of no rows
    std::vector<std::string> columns;  // the names of those, if there is a header
};

CsvTable parse_csv_table(std::string_view text, const std::string& name, const CsvOptions& options,
                         Where where = Where::current());
CsvTable read_csv_table(const std::string& path, const CsvOptions& options, Where where = Where::current());

// The cells as they are written, row by row, each as long as it is: for columns
// of words.
std::vector<std::vector<std::string>> parse_csv_cells(std::string_view text, const std::string& name,
                                                      char delimiter = ',', Where where = Where::current());
std::vector<std::vector<std::string>> read_csv_cells(const std::string& path, char delimiter = ',',
                                                     Where where = Where::current());

}  // namespace lathe
