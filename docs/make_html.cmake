# The pages of DOCS as HTML in OUTPUT, by LOWDOWN. Links from page to page become links to HTML.
file(GLOB pages ${DOCS}/*.md)
list(FILTER pages EXCLUDE REGEX "/lathe\\.1\\.md$")
file(MAKE_DIRECTORY ${OUTPUT})
file(COPY ${DOCS}/style.css DESTINATION ${OUTPUT})
foreach(page ${pages})
  get_filename_component(name ${page} NAME_WE)
  string(REPLACE "README" "index" target ${name})
  string(REPLACE "_" " " title ${name})
  execute_process(
    COMMAND ${LOWDOWN} -s -Thtml --html-no-skiphtml -M "title=Lathe: ${title}" -M css=style.css -M "lang=en"
            -o ${OUTPUT}/${target}.html ${page}
    COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${OUTPUT}/${target}.html text)
  string(REGEX REPLACE "href=\"README\\.md" "href=\"index.html" text "${text}")
  string(REGEX REPLACE "href=\"([a-z_]+)\\.md" "href=\"\\1.html" text "${text}")
  file(WRITE ${OUTPUT}/${target}.html "${text}")
endforeach()
message(STATUS "the manual is ${OUTPUT}/index.html")
