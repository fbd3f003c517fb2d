// SPDX-License-Identifier: GPL-2.0-or-later
//! Makes the Rust view of the kernel's structures from C headers, and, for
//! hosted builds, compiles the C stand-in of the kernel for the tests.
//!
//! `GNUMACH_HEADERS_FIRST` names a directory that is searched before
//! gnumach-headers/: a given kernel's structs.h is put in front that way.
//! `GNUMACH_PREPROCESSED` names c-shim/tree/bindings.h as a GNU Mach tree's own
//! compiler preprocessed it, with that tree's headers and options; then no
//! header of ours is read.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What the crate uses of the C headers.
const ALLOWED: &[&str] = &[
    "Assert",
    "kernel_pmap",
    "kmem_cache_free",
    "lock_(clear_recursive|set_recursive|write_to_read)",
    "rbtree_(insert_rebalance|remove)",
    "shim_hint_(lock|unlock)",
    "vm_fault_(unwire|wire)",
    "vm_map_(entry_cache|lock|unlock)",
    "vm_object_(allocate|coalesce|shadow)",
];

/// What the callers use besides.
const ALLOWED_TO_CALLERS: &[&str] = &[
    "Panic",
    "assert_wait",
    "kernel_(map|object)",
    "kernel_virtual_(start|end)",
    "kmem_cache_alloc",
    "pmap_(protect|remove)",
    "rbtree_firstlast",
    "shim_object_(lock|unlock)",
    "thread_(block|wakeup_prim)",
    "vm_map_(deallocate|lookup_entry|reference)",
    "vm_object_(deallocate|page_remove|pmap_remove|reference)",
];

/// What `sound` uses besides.
const ALLOWED_TO_SOUND: &[&str] = &[
    "phys_addr_t",
    "pmap_(change_wiring|clear_modify|extract|pte)",
    "projected_buffer_in_range",
    "shim_page_queues_(lock|unlock)",
    "vm_fault|vm_fault_wire_fast",
    "vm_page_(convert|free|grab|insert|lookup|mem_free|queue_lock|remove|table_size|unwire|wire|zero_fill)",
];

/// The callers, which the crate defines with that feature.
const CALLERS: &str = "vm_map_(delete|entry_delete|inherit|pageable|pageable_all|protect|remove)|\
                       _vm_map_clip_(start|end)";

fn with_callers() -> bool {
    env::var_os("CARGO_FEATURE_CALLERS").is_some()
}

fn with_sound() -> bool {
    env::var_os("CARGO_FEATURE_SOUND").is_some()
}

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let bare = env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none");
    let includes = include_dirs();

    let bindings = bindgen(&includes, bare);
    fs::write(out.join("bindings.rs"), &bindings).expect("OUT_DIR takes files");
    let mut bits = bit_positions(&bindings, "vm_map_entry", "");
    if with_callers() {
        bits += &bit_positions(&bindings, "vm_map", "MAP_");
        bits += &bit_positions(&bindings, "vm_object", "OBJECT_");
    }
    if with_sound() {
        bits += &bit_positions(&bindings, "vm_page", "PAGE_");
    }
    fs::write(out.join("bits.rs"), bits).expect("OUT_DIR takes files");
    // Kernels from September 2025 on count what cannot be accessed.
    println!("cargo:rustc-check-cfg=cfg(size_none)");
    if bindings.contains("size_none") {
        println!("cargo:rustc-cfg=size_none");
    }
    fs::write(out.join("signatures.txt"), signatures(&bindings)).expect("OUT_DIR takes files");

    if !bare {
        compile_shim(&includes, &out);
    }
}

fn include_dirs() -> Vec<PathBuf> {
    println!("cargo:rerun-if-env-changed=GNUMACH_HEADERS_FIRST");
    let mut dirs: Vec<PathBuf> =
        env::var_os("GNUMACH_HEADERS_FIRST").map(PathBuf::from).into_iter().collect();
    dirs.push("gnumach-headers".into());
    for dir in &dirs {
        println!("cargo:rerun-if-changed={}", dir.display());
    }
    dirs
}

fn bindgen(includes: &[PathBuf], bare: bool) -> String {
    println!("cargo:rerun-if-env-changed=GNUMACH_PREPROCESSED");
    let preprocessed = env::var("GNUMACH_PREPROCESSED");
    let header = preprocessed.as_deref().unwrap_or("c-shim/bindings.h");
    println!("cargo:rerun-if-changed={header}");
    let mut builder = bindgen::Builder::default();
    if with_callers() {
        builder = callers_bindings(builder, bare, preprocessed.is_err());
    } else {
        builder = builder.opaque_type("vm_object");
    }
    builder = builder
        .header(header)
        .use_core()
        // The same on every machine: rustfmt is not on all of them.
        .formatter(bindgen::Formatter::None)
        .generate_comments(false)
        .derive_debug(false)
        .enable_function_attribute_detection()
        .rust_target(bindgen::RustTarget::stable(82, 0).expect("1.82 is known"))
        .allowlist_type("vm_map")
        .allowlist_function("vm_map_(coalesce_entry|pageable_scan)")
        .allowlist_var("shim_[A-Z]*_.*")
        .opaque_type("kmem_cache|pmap|thread")
        .clang_args(["-nostdinc", "-ffreestanding"]);
    if preprocessed.is_ok() {
        // gcc's own headers name a type that clang lacks for bare x86.
        builder = builder.clang_arg("-D__float128=double");
    } else {
        builder = builder.clang_args(includes.iter().map(|dir| format!("-I{}", dir.display())));
    }
    for name in ALLOWED {
        builder = builder.allowlist_function(name).allowlist_var(name);
    }
    if bare {
        let arch = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
            Ok("x86") => "i686",
            Ok("x86_64") => "x86_64",
            other => panic!("GNU Mach's kernel is built for x86 or x86_64, not for {other:?}"),
        };
        builder = builder.clang_arg(format!("--target={arch}-unknown-none-elf"));
    }
    builder.generate().unwrap_or_else(|error| panic!("bindgen reads {header}: {error}")).to_string()
}

/// What the feature `callers` adds.
fn callers_bindings(builder: bindgen::Builder, bare: bool, own: bool) -> bindgen::Builder {
    let mut builder = builder.allowlist_function(CALLERS).allowlist_type("vm_object");
    if own {
        let header = "c-shim/callers/bindings.h";
        println!("cargo:rerun-if-changed={header}");
        builder = builder.header(header);
    }
    if !bare {
        // The objects of the stand-in, which knows <stdbool.h> by the compiler.
        let cc = cc::Build::new().get_compiler();
        let said = cc.to_command().arg("-print-file-name=include").output().expect("a C compiler");
        let folder = String::from_utf8_lossy(&said.stdout);
        builder = builder.header("c-shim/hosted/objects.h").clang_args([
            "-Ic-shim/hosted",
            "-isystem",
            folder.trim(),
        ]);
    }
    for name in ALLOWED_TO_CALLERS {
        builder = builder.allowlist_function(name).allowlist_var(name);
    }
    if with_sound() {
        if own {
            // Behind the others: it names the type of a page's member.
            let header = "c-shim/sound/bindings.h";
            println!("cargo:rerun-if-changed={header}");
            builder = builder.header(header);
        }
        builder = builder.allowlist_type("vm_page");
        for name in ALLOWED_TO_SOUND {
            builder = builder.allowlist_function(name).allowlist_var(name).allowlist_type(name);
        }
    }
    builder
}

/// A constant for the position of each bit-field of a struct, as bindgen compiled
/// it into the accessors: nothing else in Rust can tell it.
fn bit_positions(bindings: &str, structure: &str, prefix: &str) -> String {
    let bindings: String = bindings.split_whitespace().collect();
    let accessors = bindings
        .split(&format!("impl{structure}{{"))
        .nth(1)
        .and_then(|rest| rest.split("pubfnnew_bitfield").next())
        .unwrap_or_else(|| panic!("bindgen writes accessors for the bit-fields of {structure}"));
    let mut constants = String::new();
    for accessor in accessors.split("pubunsafefn").skip(1) {
        let name = accessor.split('(').next().expect("split has a first part");
        let Some(field) = name.strip_suffix("_raw").filter(|name| !name.starts_with("set_")) else {
            continue;
        };
        let place = accessor
            .split("raw_get_const::<")
            .nth(1)
            .and_then(|rest| rest.split_once("usize"))
            .map(|(bit, rest)| (bit, rest.trim_start_matches(',').split("u8")))
            .and_then(|(bit, mut rest)| Some((bit, rest.next()?)));
        let (bit, width) = place.expect("an accessor names its bit and width");
        let field = field.to_uppercase();
        writeln!(constants, "pub const {prefix}{field}: (u32, u32) = ({bit}, {width});")
            .expect("strings take text");
    }
    assert!(!constants.is_empty(), "no bit-field of {structure} found in bindgen's accessors");
    constants
}

/// A line for each function and variable of C, as bindgen understood its
/// declaration; src/layout.rs says what they mean.
fn signatures(bindings: &str) -> String {
    let file = syn::parse_file(bindings).expect("bindgen writes Rust");
    let mut aliases = HashMap::new();
    for item in &file.items {
        if let syn::Item::Type(alias) = item {
            aliases.insert(alias.ident.to_string(), &*alias.ty);
        }
    }
    let mut lines = BTreeSet::new();
    let blocks = file.items.iter().filter_map(|item| match item {
        syn::Item::ForeignMod(block) => Some(&block.items),
        _ => None,
    });
    for item in blocks.flatten() {
        match item {
            syn::ForeignItem::Fn(function) => {
                let result = match &function.sig.output {
                    syn::ReturnType::Default => "void".to_owned(),
                    syn::ReturnType::Type(_, result) => c_type(result, &aliases),
                };
                let mut line = format!("fn {} {result}", function.sig.ident);
                for parameter in &function.sig.inputs {
                    let syn::FnArg::Typed(parameter) = parameter else {
                        panic!("C has no self");
                    };
                    line = line + " " + &c_type(&parameter.ty, &aliases);
                }
                if function.sig.variadic.is_some() {
                    line += " ...";
                }
                lines.insert(line);
            }
            syn::ForeignItem::Static(variable) => {
                lines.insert(format!("var {} {}", variable.ident, c_type(&variable.ty, &aliases)));
            }
            _ => {}
        }
    }
    assert!(!lines.is_empty(), "no function found in what bindgen wrote");
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A type as the record has it.
fn c_type(ty: &syn::Type, aliases: &HashMap<String, &syn::Type>) -> String {
    match ty {
        syn::Type::Never(_) => "void".into(),
        syn::Type::Ptr(pointer) => {
            let to_const = matches!(pointer.mutability, syn::PointerMutability::Const(_));
            let star = if to_const { '&' } else { '*' };
            format!("{star}{}", c_type(&pointer.elem, aliases))
        }
        syn::Type::Path(path) => {
            let name = path.path.segments.last().expect("a path has a part").ident.to_string();
            // A pointer to a function.
            if name == "Option" {
                return "*function".into();
            }
            let Some(target) = aliases.get(&name) else {
                return scalar(&name).unwrap_or(name);
            };
            let target = c_type(target, aliases);
            match target.split_once(':') {
                // A scalar's own name, and what it is.
                Some((_, what)) if !target.starts_with(['*', '&']) => format!("{name}:{what}"),
                _ => target,
            }
        }
        _ => panic!("bindgen declares C functions with pointers and named types"),
    }
}

fn scalar(name: &str) -> Option<String> {
    let bits = env::var("CARGO_CFG_TARGET_POINTER_WIDTH").expect("cargo sets it");
    Some(match name {
        "c_char" => "char:i8".into(),
        "c_short" => "short:i16".into(),
        "c_ushort" => "unsigned-short:u16".into(),
        "c_int" => "int:i32".into(),
        "c_uint" => "unsigned-int:u32".into(),
        "c_long" => format!("long:i{bits}"),
        "c_ulong" => format!("unsigned-long:u{bits}"),
        "c_longlong" => "long-long:i64".into(),
        "c_ulonglong" => "unsigned-long-long:u64".into(),
        "usize" => format!("__SIZE_TYPE__:u{bits}"),
        "c_void" => "void".into(),
        _ => return None,
    })
}

/// Compiles c-shim/hosted/*.c and tests/*.c for the integration tests alone:
/// neither the rlib nor the staticlib holds any of it.
fn compile_shim(includes: &[PathBuf], out: &Path) {
    let mut shim = cc::Build::new();
    let mut folders = vec!["c-shim/hosted", "tests"];
    if with_callers() {
        folders.extend(["c-shim/hosted/callers", "tests/callers"]);
        shim.define("CALLERS", None);
    }
    if with_sound() {
        folders.extend(["c-shim/hosted/sound", "tests/sound"]);
        shim.define("SOUND", None);
    }
    if env::var_os("CARGO_FEATURE_PROTECT_LOOKS_AGAIN").is_some() {
        shim.define("PROTECT_LOOKS_AGAIN", None);
    }
    shim.includes(includes).includes(&folders).warnings(true).extra_warnings(true);
    let mut sources = 0;
    for folder in folders {
        let Ok(files) = fs::read_dir(folder) else { continue };
        for file in files.map(|file| file.expect("a readable directory").path()) {
            let extension = file.extension().and_then(|extension| extension.to_str());
            // Not the folder: tests/ holds more than these.
            if let Some("c" | "h") = extension {
                println!("cargo:rerun-if-changed={}", file.display());
            }
            // With `sound` the functions do not do what the tests of the others say.
            let runs = ["harness", "suites"];
            let of_others = with_sound()
                && folder.starts_with("tests")
                && folder != "tests/sound"
                && !file.file_stem().is_some_and(|name| runs.iter().any(|run| name == *run));
            if extension == Some("c") && !of_others {
                shim.file(file);
                sources += 1;
            }
        }
    }
    if sources > 0 {
        shim.cargo_metadata(false).compile("hosted");
        println!("cargo:rustc-link-arg-tests={}", out.join("libhosted.a").display());
    }
}
