// SPDX-License-Identifier: GPL-2.0-or-later
//! A disk image's own GRUB configuration: which kernel and modules it boots, and the few words that
//! bring its console to the serial line.

use anyhow::{bail, Context, Result};

/// The menu entry that starts a Hurd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the menu, as GRUB counts.
    pub index: usize,
    pub title: String,
    /// The kernel's path in the file system that holds it.
    pub kernel: String,
    /// The kernel's command line.
    pub words: Vec<String>,
    /// The file of each module, in order.
    pub modules: Vec<String>,
}

impl Entry {
    /// Whether it starts the disk drivers that run outside the kernel.
    pub fn starts_rumpdisk(&self) -> bool {
        self.modules.iter().any(|module| module.contains("rumpdisk"))
    }
}

/// The first entry of the menu itself (not of a submenu) that boots a multiboot kernel.
pub fn find_entry(config: &str) -> Result<Entry> {
    let mut index = 0;
    let mut depth = 0;
    let mut entry: Option<Entry> = None;
    for line in joined_lines(config) {
        let words = words_of(&line);
        let Some(command) = words.first() else { continue };
        let opens = words.last().is_some_and(|word| word == "{");
        match command.as_str() {
            "menuentry" | "submenu" if depth == 0 => {
                let title = words.get(1).cloned().unwrap_or_default();
                entry = (command == "menuentry").then(|| Entry {
                    index,
                    title,
                    kernel: String::new(),
                    words: Vec::new(),
                    modules: Vec::new(),
                });
                index += 1;
            }
            "multiboot" => {
                if let (Some(entry), Some(place)) = (&mut entry, path_at(&words)) {
                    entry.kernel = without_device(&words[place]).into();
                    entry.words = words[place + 1..].to_vec();
                }
            }
            "module" => {
                if let (Some(entry), Some(place)) = (&mut entry, path_at(&words)) {
                    entry.modules.push(without_device(&words[place]).into());
                }
            }
            _ => {}
        }
        depth += usize::from(opens);
        if command == "}" && depth > 0 {
            depth -= 1;
            if depth == 0 {
                match entry.take() {
                    Some(found) if !found.kernel.is_empty() => return Ok(found),
                    _ => {}
                }
            }
        }
    }
    bail!("its GRUB menu has no entry that boots a multiboot kernel")
}

/// The same configuration with this entry booted at once, console on the first serial line. The
/// modules and everything else stay as they are.
pub fn with_serial_console(config: &str, entry: &Entry) -> Result<String> {
    let mut changed = String::new();
    for line in config.lines() {
        changed += &match line.trim_start().starts_with("multiboot") {
            true => console_added(line).context("a multiboot line without a kernel")?,
            false => line.to_string(),
        };
        changed.push('\n');
    }
    // At the end, so that these settings hold whatever stands before them.
    changed += &format!(
        "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n\
         set default={}\nset timeout_style=menu\nset timeout=0\n",
        entry.index
    );
    Ok(changed)
}

/// `console=com0` right after the kernel's path; a console that was asked for before is dropped.
fn console_added(line: &str) -> Option<String> {
    let indent = &line[..line.len() - line.trim_start().len()];
    let words: Vec<&str> = line.split_whitespace().collect();
    let place = 1 + words.iter().skip(1).position(|word| !word.starts_with("--"))?;
    let mut kept: Vec<&str> = words[..=place].to_vec();
    kept.push("console=com0");
    kept.extend(words[place + 1..].iter().filter(|word| !word.starts_with("console=")));
    Some(format!("{indent}{}", kept.join(" ")))
}

fn path_at(words: &[String]) -> Option<usize> {
    words.iter().skip(1).position(|word| !word.starts_with("--")).map(|place| place + 1)
}

/// `(hd0,msdos1)/boot/x` and `${root}/boot/x` without what is before the first slash.
fn without_device(path: &str) -> &str {
    path.find('/').map_or(path, |slash| &path[slash..])
}

fn joined_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in text.lines() {
        match piece.strip_suffix('\\') {
            Some(start) => line += start,
            None => {
                line += piece;
                lines.push(std::mem::take(&mut line));
            }
        }
    }
    lines.push(line);
    lines
}

/// A line's words as GRUB sees them, comments and quotes taken away.
fn words_of(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() || c == ';' => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
set default="0"
function load_video {
  insmod vga
}
# menuentry "not this" { multiboot /x }
submenu 'Older ones' {
	menuentry 'Old' {
		multiboot /boot/old
	}
}
menuentry 'Memory test' {
	linux16 /boot/memtest
}
menuentry 'GNU/Hurd' --class gnu {
	echo 'Loading GNU Mach ...'
	multiboot --quirk-bad-kludge (hd0,msdos2)/boot/gnumach-1.8-486.gz root=part:2:device:hd0 console=tty quiet
	module		/hurd/ext2fs.static ext2fs --readonly \
			--host-priv-port='${host-port}' '$(task-create)'
	module /lib/ld.so.1 exec /hurd/exec '$(exec-task=task-create)'
}
"#;

    #[test]
    fn the_entry_that_boots_the_hurd_is_found() {
        let entry = find_entry(CONFIG).unwrap();
        assert_eq!((entry.index, entry.title.as_str()), (2, "GNU/Hurd"));
        assert_eq!(entry.kernel, "/boot/gnumach-1.8-486.gz");
        assert_eq!(entry.words, ["root=part:2:device:hd0", "console=tty", "quiet"]);
        assert_eq!(entry.modules, ["/hurd/ext2fs.static", "/lib/ld.so.1"]);
        assert!(!entry.starts_rumpdisk());
        let with = CONFIG.replace("/lib/ld.so.1", "/hurd/rumpdisk.static");
        assert!(find_entry(&with).unwrap().starts_rumpdisk());
    }

    #[test]
    fn only_the_console_and_the_choice_are_changed() {
        let entry = find_entry(CONFIG).unwrap();
        let changed = with_serial_console(CONFIG, &entry).unwrap();
        assert!(changed.contains(
            "\tmultiboot --quirk-bad-kludge (hd0,msdos2)/boot/gnumach-1.8-486.gz console=com0 \
             root=part:2:device:hd0 quiet\n"
        ));
        assert!(changed.contains("set default=2\n") && !changed.contains("console=tty"));
        let again = find_entry(&changed).unwrap();
        assert_eq!(again.modules, entry.modules);
        let kept = CONFIG.lines().filter(|line| !line.contains("multiboot"));
        for line in kept {
            assert!(changed.lines().any(|other| other == line), "{line}");
        }
    }

    #[test]
    fn a_menu_without_a_mach_is_refused() {
        for config in ["", "menuentry 'Linux' {\n linux /vmlinuz\n}\n", "multiboot /boot/x\n"] {
            assert!(find_entry(config).unwrap_err().to_string().contains("no entry"), "{config}");
        }
    }
}
