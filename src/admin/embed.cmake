# Writes a C++ source with the content of files, so that the program needs none of them at run time:
#   cmake -DOUTPUT=assets.cpp -DDOCUMENT=openapi.json -DFILES=a;b -P embed.cmake
function(literal file result)
  file(READ ${file} hex HEX)
  # String literals of a bounded length: compilers limit them and slow down on arrays.
  string(REGEX MATCHALL "..?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?" chunks "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" chunks "${chunks}")
  list(TRANSFORM chunks PREPEND "    \"")
  list(TRANSFORM chunks APPEND "\"")
  list(JOIN chunks "\n" text)
  if(text STREQUAL "")
    set(text "    \"\"")
  endif()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

set(source "// Made by src/admin/embed.cmake.\n#include \"admin/assets.hpp\"\n\nnamespace linkd::admin {\nnamespace {\n\n")
set(table "")
foreach(path IN LISTS FILES)
  get_filename_component(name ${path} NAME)
  file(SIZE ${path} size)
  literal(${path} text)
  string(MAKE_C_IDENTIFIER ${name} id)
  string(APPEND source "constexpr char file_${id}[] =\n${text};\n")
  string(APPEND table "    {\"${name}\", {file_${id}, ${size}}},\n")
endforeach()
file(SIZE ${DOCUMENT} size)
literal(${DOCUMENT} text)
string(APPEND source "constexpr char document[] =\n${text};\n")
string(APPEND source "constexpr asset files[] = {\n${table}};\n\n}  // namespace\n\n"
  "std::span<const asset> console_files() {\n  return files;\n}\n\n"
  "std::string_view openapi_document() {\n  return {document, ${size}};\n}\n\n"
  "}  // namespace linkd::admin\n")
file(WRITE ${OUTPUT} "${source}")
