//! Every kernel's text, translated for the systems that are not at hand: SPIR-V (Vulkan), MSL (Metal) and HLSL (DX12).

use super::kernels::product::{self, Bits, Output};
use super::kernels::units::{self, Cut};
use super::kernels::{Kernel, Lanes, Store, attention, attention_units, rows};
use naga::valid::Capabilities;

const LANES: [Lanes; 2] = [Lanes::One, Lanes::Four];
const OUTPUTS: [Output; 4] = [Output::Plain(Lanes::One), Output::Plain(Lanes::Four), Output::Geglu, Output::Part];
const BITS: [Bits; 3] = [Bits::F32, Bits::F16, Bits::Bf16];
/// Widths of heads.
const DEPTHS: [usize; 11] = [8, 20, 30, 32, 40, 64, 80, 96, 128, 160, 512];
/// Sides of matrix units and sizes of subgroups: units of 16 come with subgroups of 32 and 64, units of 8 with 32 and Mesa's 8.
const UNITS: [(u32, u32); 4] = [(16, 32), (16, 64), (8, 32), (8, 8)];

/// All kernels like one of each kind. A new kind needs a line here.
fn all_like(kind: Kernel) -> Vec<Kernel> {
    let by_lanes = |kernel: fn(Lanes) -> Kernel| LANES.map(kernel).to_vec();
    let read = [(false, false), (true, false), (false, true)];
    let products =
        || OUTPUTS.into_iter().flat_map(move |output| read.map(|(enlarged, joint)| (output, enlarged, joint)));
    match kind {
        Kernel::Map | Kernel::GroupMoments | Kernel::MergeMoments => vec![kind],
        Kernel::Add(_) => by_lanes(Kernel::Add),
        Kernel::Geglu(_) => by_lanes(Kernel::Geglu),
        Kernel::Blend(_) => by_lanes(Kernel::Blend),
        Kernel::Upsample(_) => by_lanes(Kernel::Upsample),
        Kernel::Copy(_) => by_lanes(Kernel::Copy),
        Kernel::PartialMoments(_) => by_lanes(Kernel::PartialMoments),
        Kernel::Normalise(_) => by_lanes(Kernel::Normalise),
        Kernel::LayerNorm(_) => by_lanes(Kernel::LayerNorm),
        Kernel::Product(_) => LANES
            .into_iter()
            .flat_map(|input| BITS.map(|bits| (input, bits)))
            .flat_map(|(input, bits)| {
                let variant =
                    move |(output, enlarged, joint)| product::Variant { input, output, bits, enlarged, joint };
                products().map(variant).map(Kernel::Product)
            })
            .collect(),
        Kernel::Rows(_) => {
            let variants = OUTPUTS.into_iter().flat_map(|output| BITS.map(|bits| rows::Variant { output, bits }));
            variants.map(Kernel::Rows).collect()
        }
        Kernel::Parts(_) => OUTPUTS.into_iter().filter(|output| *output != Output::Part).map(Kernel::Parts).collect(),
        Kernel::Units(_) => UNITS
            .into_iter()
            .flat_map(|(side, lanes)| {
                let tiles: &[[u32; 3]] =
                    if lanes < 32 { &[[32, 32, 16]] } else { &[[128, 128, 32], [128, 64, 32], [64, 64, 32]] };
                tiles.iter().map(move |&[rows, columns, depth]| Cut { side, lanes, rows, columns, depth })
            })
            .flat_map(|cut| {
                let variant = move |(output, enlarged, joint)| units::Variant { cut, output, enlarged, joint };
                products().map(variant).map(Kernel::Units)
            })
            .collect(),
        Kernel::AttentionUnits(_) => UNITS
            .into_iter()
            .flat_map(|(side, lanes)| {
                let (blocks, keys) = if lanes < 32 { (1, 16) } else { (2, 32) };
                let cut = attention_units::Cut { side, lanes, subgroups: 4, blocks, keys };
                DEPTHS.into_iter().filter_map(move |depth| attention_units::Variant::new(cut, depth, 48 << 10))
            })
            .map(Kernel::AttentionUnits)
            .collect(),
        Kernel::Attention(_) => DEPTHS
            .into_iter()
            .flat_map(|depth| [16 << 10, 32 << 10].map(|shared| attention::Variant::new(depth, 2 * depth, shared)))
            .flatten()
            .map(Kernel::Attention)
            .collect(),
    }
}

fn all() -> Vec<Kernel> {
    let (one, plain) = (Lanes::One, Output::Plain(Lanes::One));
    let cut = Cut { side: 8, lanes: 8, rows: 32, columns: 32, depth: 16 };
    let product = product::Variant { input: one, output: plain, bits: Bits::F32, enlarged: false, joint: false };
    let attention_cut = attention_units::Cut { side: 8, lanes: 8, subgroups: 4, blocks: 1, keys: 16 };
    let mut kinds = vec![
        Kernel::Map,
        Kernel::Add(one),
        Kernel::Geglu(one),
        Kernel::Blend(one),
        Kernel::Upsample(one),
        Kernel::Copy(one),
        Kernel::PartialMoments(one),
        Kernel::GroupMoments,
        Kernel::MergeMoments,
        Kernel::Normalise(one),
        Kernel::LayerNorm(one),
        Kernel::Product(product),
        Kernel::Rows(rows::Variant { output: plain, bits: Bits::F32 }),
        Kernel::Parts(plain),
        Kernel::Units(units::Variant { cut, output: plain, enlarged: false, joint: false }),
    ];
    kinds.extend(attention::Variant::new(8, 8, 16 << 10).map(Kernel::Attention));
    kinds.extend(attention_units::Variant::new(attention_cut, 8, 16 << 10).map(Kernel::AttentionUnits));
    kinds.into_iter().flat_map(all_like).collect()
}

/// Parses and validates a text, and translates it; the number of words or letters in each language.
fn translated(text: &str, half: bool, units: bool) -> Result<[usize; 3], String> {
    let options = naga::front::wgsl::Options { parse_doc_comments: false, capabilities: Capabilities::all() };
    let parsed = naga::front::wgsl::Frontend::new_with_options(options).parse(text);
    let module = parsed.map_err(|error| error.emit_to_string(text))?;
    // (The second: `unpack2x16float`, which all of Vulkan, Metal and DX12 have.)
    let mut allowed = Capabilities::IMMEDIATES | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    if half {
        allowed |= Capabilities::SHADER_FLOAT16;
    }
    if units {
        allowed |= Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP;
    }
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), allowed);
    if units {
        validator
            .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
            .subgroup_operations(naga::valid::SubgroupOperationSet::all());
    }
    let info = validator.validate(&module).map_err(|error| error.emit_to_string(text))?;

    let options = naga::back::spv::Options { lang_version: (1, 3), ..Default::default() };
    let spirv =
        naga::back::spv::write_vec(&module, &info, &options, None).map_err(|error| format!("SPIR-V: {error}"))?;
    let options = naga::back::msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    let pipeline = naga::back::msl::PipelineOptions::default();
    let msl = naga::back::msl::write_string(&module, &info, &options, &pipeline);
    let (msl, _) = msl.map_err(|error| format!("MSL: {error}"))?;
    let mut hlsl = String::new();
    if !units {
        // DX12's own compiler, which every Windows has, knows shader model 5.1, and f16 not at all.
        let model = if half { naga::back::hlsl::ShaderModel::V6_2 } else { naga::back::hlsl::ShaderModel::V5_1 };
        let options = naga::back::hlsl::Options {
            shader_model: model,
            fake_missing_bindings: true,
            immediates_target: Some(naga::back::hlsl::BindTarget::default()),
            ..Default::default()
        };
        let pipeline = naga::back::hlsl::PipelineOptions::default();
        let written = naga::back::hlsl::Writer::new(&mut hlsl, &options, &pipeline).write(&module, &info, None);
        written.map_err(|error| format!("HLSL: {error}"))?;
    }
    Ok([spirv.len(), msl.len(), hlsl.len()])
}

#[test]
fn every_text_is_valid_and_can_be_said_in_every_systems_language() {
    let (mut texts, mut wrong) = (0, Vec::new());
    for kernel in all() {
        let units = matches!(kernel, Kernel::Units(_) | Kernel::AttentionUnits(_));
        for store in [Store::F32, Store::F16] {
            texts += 1;
            match translated(&kernel.text(store), units || store == Store::F16, units) {
                Ok([spirv, msl, hlsl]) => assert!(spirv > 0 && msl > 0 && (hlsl > 0) != units),
                Err(error) => wrong.push(format!("{kernel:?} {store:?}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {texts} texts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(texts > 150, "{texts}");
}

#[test]
fn a_text_that_is_wrong_is_found() {
    let text = Kernel::Add(Lanes::Four).text(Store::F32);
    assert!(translated(&text, false, false).is_ok());
    assert!(translated(&text.replace("@compute", "@compute @compute"), false, false).is_err());
    let half = Kernel::Add(Lanes::Four).text(Store::F16);
    assert!(translated(&half, false, false).is_err(), "f16 where there is none");
}
