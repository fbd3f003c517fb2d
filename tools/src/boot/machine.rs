// SPDX-License-Identifier: GPL-2.0-or-later
//! One QEMU process: its serial line, its monitor, and its certain end.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{bail, Context, Result};

pub struct Machine {
    child: Child,
    serial: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
    monitor: RefCell<Monitor>,
}

/// QEMU's monitor, over a pair of sockets that have no name: nobody else can open it.
struct Monitor {
    replies: BufReader<UnixStream>,
    greeted: bool,
}

/// What came over the serial line.
pub enum Heard {
    Bytes(Vec<u8>),
    Nothing,
    /// QEMU closed the line: it has ended.
    Closed,
}

impl Machine {
    /// Starts QEMU with these arguments; its serial line is read from now on.
    pub fn start(program: &str, args: &[String]) -> Result<Machine> {
        let (monitor, of_qemu) = UnixStream::pair().context("no socket for QEMU's monitor")?;
        // QEMU is to inherit its end.
        rustix::io::fcntl_setfd(&of_qemu, rustix::io::FdFlags::empty())?;
        // setpriv has the kernel end QEMU when this thread ends, even by a signal that cannot be caught.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", program])
            .args([
                "-display",
                "none",
                "-vga",
                "none",
                "-nodefaults",
                "-no-reboot",
                "-serial",
                "stdio",
            ])
            .args(["-chardev", &format!("socket,id=monitor,fd={}", of_qemu.as_raw_fd())])
            .args(["-mon", "chardev=monitor,mode=control"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run setpriv (of util-linux), which starts QEMU")?;
        let serial = listen(child.stdout.take().context("QEMU's output")?);
        let errors = listen(child.stderr.take().context("QEMU's messages")?);
        monitor.set_read_timeout(Some(Duration::from_secs(10)))?;
        let monitor = RefCell::new(Monitor { replies: BufReader::new(monitor), greeted: false });
        Ok(Machine { child, serial, errors, monitor })
    }

    pub fn hear(&self, patience: Duration) -> Heard {
        match self.serial.recv_timeout(patience) {
            Ok(bytes) => Heard::Bytes(bytes),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Closed,
        }
    }

    /// Sends bytes over the serial line.
    pub fn say(&mut self, bytes: &[u8]) -> Result<()> {
        let input = self.child.stdin.as_mut().context("QEMU's input is closed")?;
        input.write_all(bytes).and_then(|()| input.flush()).context("QEMU does not take input")
    }

    /// After the line was closed: QEMU's complaint, if it ended with an error of its own.
    pub fn complaint(&mut self) -> Result<Option<String>> {
        let status = self.child.wait()?;
        if status.success() {
            return Ok(None);
        }
        let said: Vec<u8> = self.errors.iter().flatten().collect();
        Ok(Some(format!("{status}: {}", String::from_utf8_lossy(&said).trim())))
    }

    /// Reads 32-bit words of physical memory.
    pub fn words(&self, physical: u64, count: usize) -> Result<Vec<u32>> {
        let text = self.command(&format!("xp /{count}wx {physical:#x}"))?;
        parse_words(&text, count).with_context(|| {
            format!("QEMU's monitor gave no {count} words at {physical:#x} but: {}", text.trim())
        })
    }

    /// All of physical memory, from address 0 on, into a file.
    pub fn save_memory(&self, to: &std::path::Path) -> Result<()> {
        let sizes = self.command("info memory_size_summary")?;
        let size = parse_memory_size(&sizes).with_context(|| {
            format!("QEMU's monitor gave no size of memory but: {}", sizes.trim())
        })?;
        let said = self.command(&format!("pmemsave 0 {size} \"{}\"", to.display()))?;
        if !said.trim().is_empty() {
            bail!("QEMU's monitor did not save the memory: {}", said.trim());
        }
        Ok(())
    }

    /// Where each CPU stands.
    pub fn instruction_pointers(&self) -> Result<Vec<u64>> {
        Ok(parse_instruction_pointers(&self.command("info registers -a")?))
    }

    /// What each CPU may do: 0 in the kernel, and before it; 3 in programs.
    pub fn privilege_levels(&self) -> Result<Vec<u8>> {
        Ok(parse_privilege_levels(&self.command("info registers -a")?))
    }

    fn command(&self, line: &str) -> Result<String> {
        self.monitor.borrow_mut().command(line)
    }
}

impl Monitor {
    fn command(&mut self, line: &str) -> Result<String> {
        if !self.greeted {
            let mut greeting = String::new();
            self.replies.read_line(&mut greeting).context("QEMU's monitor says nothing")?;
            self.request(&serde_json::json!({ "execute": "qmp_capabilities" }))?;
            self.greeted = true;
        }
        let arguments = serde_json::json!({ "command-line": line });
        let reply = self.request(
            &serde_json::json!({ "execute": "human-monitor-command", "arguments": arguments }),
        )?;
        Ok(reply.as_str().unwrap_or_default().to_string())
    }

    fn request(&mut self, command: &serde_json::Value) -> Result<serde_json::Value> {
        writeln!(self.replies.get_ref(), "{command}").context("cannot reach QEMU's monitor")?;
        loop {
            let mut line = String::new();
            if self.replies.read_line(&mut line).context("QEMU's monitor does not answer")? == 0 {
                bail!("QEMU's monitor closed the connection");
            }
            let mut reply: serde_json::Value =
                serde_json::from_str(&line).context("QEMU's monitor speaks no JSON")?;
            if let Some(error) = reply.get("error") {
                bail!("QEMU's monitor refused {command}: {error}");
            }
            // Events come in between.
            if let Some(value) = reply.get_mut("return") {
                return Ok(value.take());
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(mut source: impl std::io::Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = source.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// `0000000001234560: 0x00000001 0x00000002 ...`, four to a line.
fn parse_words(text: &str, count: usize) -> Option<Vec<u32>> {
    let words: Vec<u32> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(_, words)| words.split_whitespace())
        .map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok())
        .collect::<Option<_>>()?;
    (words.len() == count).then_some(words)
}

/// `base memory: 536870912`
fn parse_memory_size(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.trim().strip_prefix("base memory: "))?.parse().ok()
}

fn parse_instruction_pointers(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .filter_map(|word| word.strip_prefix("EIP=").or_else(|| word.strip_prefix("RIP=")))
        .filter_map(|hex| u64::from_str_radix(hex, 16).ok())
        .collect()
}

fn parse_privilege_levels(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .filter_map(|word| word.strip_prefix("CPL="))
        .filter_map(|level| level.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitor_text_becomes_words() {
        let text = "0000000001000000: 0x00000001 0xffffffff 0x00000003 0x00000004\r\n0000000001000010: 0x00000005\r\n";
        assert_eq!(parse_words(text, 5), Some(vec![1, u32::MAX, 3, 4, 5]));
        assert_eq!(parse_words(text, 4), None);
        assert_eq!(parse_words("Cannot access memory\r\n", 1), None);
        assert_eq!(parse_words("0000000001000000: 0xzz\r\n", 1), None);
    }

    #[test]
    fn memory_has_a_size() {
        assert_eq!(
            parse_memory_size("base memory: 536870912\r\nplugged memory: 0\r\n"),
            Some(536870912)
        );
        assert_eq!(parse_memory_size("unknown command"), None);
    }

    #[test]
    fn each_cpu_has_an_instruction_pointer() {
        let text = "CPU#0\r\nEAX=0 EBX=0\r\nEIP=c1000010 EFL=2\r\nCPU#1\r\nEIP=0000fff0 EFL=2\r\n";
        assert_eq!(parse_instruction_pointers(text), [0xc100_0010, 0xfff0]);
    }

    #[test]
    fn each_cpu_has_a_privilege_level() {
        let kernel = "CPU#0\r\nRIP=ffffffff81000010 RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1\r\n";
        let program = "CPU#1\r\nRIP=00007ffff7dd0010 RFL=00000202 [-------] CPL=3 II=0 A20=1\r\n";
        let never_started = "CPU#2\r\nEIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1\r\n";
        let text = [kernel, program, never_started].concat();
        assert_eq!(parse_privilege_levels(&text), [0, 3, 0]);
    }
}
