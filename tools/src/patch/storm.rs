// SPDX-License-Identifier: GPL-2.0-or-later
use super::format::Change;
use super::tree::Tree;
use anyhow::Result;
pub const MESSAGE: &str = "";
pub fn changes(_: &Tree) -> Result<Vec<Change>> {
    anyhow::bail!("not yet")
}
