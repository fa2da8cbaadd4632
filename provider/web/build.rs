//! Themes are compiled in; a changed template, style or text builds the crate again.

fn main() {
    println!("cargo:rerun-if-changed=../../themes");
    println!("cargo:rerun-if-changed=build.rs");
}
