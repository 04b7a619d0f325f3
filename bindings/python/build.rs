//! Python's own symbols are found when Python loads the module. On macOS the linker must be told.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
