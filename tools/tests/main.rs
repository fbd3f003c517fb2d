// SPDX-License-Identifier: GPL-2.0-or-later
//! The tests of vmtool and of the scripts, in one program: as one each they took six times as long to compile.

mod bench;
mod boot;
mod check;
mod common;
mod defects;
mod dist;
mod doctor;
mod fuzz;
mod graft;
mod graft_64;
mod hurd_boot;
mod hurd_disk;
mod hurd_images;
mod kernel_folders;
mod layout;
mod lint;
mod made_from;
mod make;
mod object_check;
mod packages;
mod patch;
mod patch_apply;
mod patch_fixes;
mod patch_hint;
mod patch_object;
mod patch_refuse;
mod run;
mod scripts;

#[test]
fn no_file_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let this = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let is_source =
            path.join("mod.rs").is_file() || path.extension().is_some_and(|end| end == "rs");
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            !is_source || name == "main" || this.contains(&format!("\nmod {name};\n")),
            "no `mod {name};` in tests/main.rs"
        );
    }
}
