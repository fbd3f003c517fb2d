// SPDX-License-Identifier: GPL-2.0-or-later
//! Files: read with an error that names them, told apart by their content, and written so that nothing
//! half-written is left behind and no input is lost.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{ensure, Context, Result};
use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};

/// Reads a whole file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The SHA-256 of some bytes, in hexadecimal, as sha256sum prints it.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// That of a file; the error names it.
pub fn sha256_of(path: &Path) -> Result<String> {
    Ok(sha256(&read(path)?))
}

/// Refuses an output that is the same file as one of the inputs, by whatever name.
pub fn refuse_overwrite(output: &Path, inputs: &[&Path]) -> Result<()> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let Some(output_is) = identity(output) else {
        return Ok(());
    };
    for input in inputs {
        ensure!(
            identity(input) != Some(output_is),
            "the output {} is the input {}, which must stay as it is: name another file",
            output.display(),
            input.display()
        );
    }
    Ok(())
}

/// Writes all of `files`, each beside its place first, and renames only when every write worked. None may be one of
/// `inputs`, whatever it is called there. A file that says the same already keeps its time. What is no file, but a
/// device or a pipe, is not replaced: it takes the bytes, once all else is written.
pub fn write_all(files: &[(&Path, &[u8])], inputs: &[&Path]) -> Result<()> {
    for (path, _) in files {
        refuse_overwrite(path, inputs)?;
    }
    let (mut written, mut streams) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            streams.push((path, bytes));
        } else if !fs::read(path).is_ok_and(|old| old == *bytes) {
            let mut part = beside(path)?;
            part.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))?;
            written.push((part, path));
        }
    }
    for (part, path) in written {
        part.persist(path).with_context(|| format!("cannot replace {}", path.display()))?;
    }
    for (path, bytes) in streams {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A new file in the folder of `path`, to be renamed to it when it is whole; it goes if it is not.
pub fn beside(path: &Path) -> Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // As any new file: the user's umask takes from it.
    let mode = fs::Permissions::from_mode(0o666);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part-");
    Builder::new()
        .prefix(&name)
        .permissions(mode)
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
    }

    #[test]
    fn a_pipe_takes_the_bytes_and_stays_a_pipe() {
        use std::io::Read as _;
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (pipe, file) = (folder.path().join("pipe"), folder.path().join("file"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Open for both: neither side waits for the other.
        let mut open = fs::File::options().read(true).write(true).open(&pipe).unwrap();
        write_all(&[(&pipe, b"abc"), (&file, b"def")], &[]).unwrap();
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        let mut bytes = [0; 3];
        open.read_exact(&mut bytes).unwrap();
        assert_eq!((&bytes, &*fs::read(&file).unwrap()), (b"abc", &b"def"[..]));
        let error = write_all(&[(folder.path(), b"abc")], &[]).unwrap_err();
        assert!(error.to_string().contains("cannot"), "{error}");
    }

    #[test]
    fn an_input_is_no_output_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["input", "other"] {
            fs::write(path(name), "").unwrap();
        }
        std::os::unix::fs::symlink("input", path("symlink")).unwrap();
        fs::hard_link(path("input"), path("hard-link")).unwrap();
        let inputs = [path("other"), path("input")];
        let inputs = [&*inputs[0], &*inputs[1]];
        for name in ["input", "symlink", "hard-link"] {
            let error = refuse_overwrite(&path(name), &inputs).unwrap_err().to_string();
            assert!(error.contains("which must stay as it is"), "{error}");
        }
        refuse_overwrite(&path("new"), &inputs).unwrap();
        refuse_overwrite(&path("other"), &inputs[1..]).unwrap();
    }
}
