// SPDX-License-Identifier: GPL-2.0-or-later
//! Decodes all machine code and looks for instructions that the kernel cannot run.

use iced_x86::{Code, CpuidFeature, Decoder, DecoderOptions};

use super::image::Image;

/// Everything that an i686 without coprocessor understands; `pause` is a nop to older machines.
/// What is not listed is a violation, so that a new extension cannot slip through.
const ALLOWED: [CpuidFeature; 13] = [
    CpuidFeature::INTEL8086,
    CpuidFeature::INTEL8086_ONLY,
    CpuidFeature::INTEL186,
    CpuidFeature::INTEL286,
    CpuidFeature::INTEL286_ONLY,
    CpuidFeature::INTEL386,
    CpuidFeature::INTEL386_ONLY,
    CpuidFeature::INTEL486,
    CpuidFeature::CMOV,
    CpuidFeature::CX8,
    CpuidFeature::MULTIBYTENOP,
    CpuidFeature::PAUSE,
    CpuidFeature::X64,
];

pub fn violations(image: &Image) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, section) in &image.sections {
        if !section.is_text {
            continue;
        }
        let mut decoder = Decoder::with_ip(image.bits, &section.data, 0, DecoderOptions::NONE);
        while decoder.can_decode() {
            let instruction = decoder.decode();
            let place = image.describe((*index, instruction.ip()));
            if instruction.is_invalid() {
                lines.push(format!("{place}: bytes that are no instruction"));
                break;
            }
            let features = instruction.cpuid_features();
            // The decoder files this one under the 8086, but it waits for the coprocessor.
            if instruction.code() == Code::Wait {
                lines.push(format!("{place}: `{instruction}` needs an x87"));
            }
            if features.iter().any(|f| !ALLOWED.contains(f)) {
                lines.push(format!("{place}: `{instruction}` needs {features:?}"));
            }
        }
    }
    lines.sort();
    lines
}
