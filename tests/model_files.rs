//! Model files that are no checkpoint, or no more, or of no family that is drawn: each told by its own name in one line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::single::{SingleFile, UNET};
use common::{copy_checkpoint, goldens, says};
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, Device, FewSteps, FileSummary};
use polyptych::diffusion::{Call, Network as _, Planes};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A word of what is told, and the names and shapes of a file's tensors.
type Case<'a> = (&'a str, &'a [(&'a str, &'a [usize])]);

fn refused(path: &Path, words: &[&str]) {
    let error = Checkpoint::open(path.to_str().unwrap()).and_then(|checkpoint| checkpoint.load(Device::Cpu));
    let name = path.file_name().unwrap().to_str().unwrap();
    says(&error.map(|_| ()).unwrap_err().to_string(), &[&[name], words].concat());
}

/// A file of these tensors, all zeros.
fn header(folder: &Path, name: &str, tensors: &[(&str, &[usize])]) -> std::path::PathBuf {
    let zeros = |file: SingleFile, (name, shape): &(&str, &[usize])| {
        file.with(name, Dtype::F16, shape, &vec![0; 2 * shape.iter().product::<usize>()])
    };
    tensors.iter().fold(SingleFile::default(), zeros).write(folder, name)
}

#[test]
fn files_that_are_no_safetensors_are_told_by_their_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let pickle = b"\x80\x02}q\0.".as_slice();
    for (name, content, words) in [
        ("mix.safetensors", b"<!DOCTYPE html><html>".as_slice(), ["web page", "fetch it again"]),
        ("page.ckpt", b"\n<html>", ["web page", "fetch it again"]),
        (
            "pointer.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            ["git-lfs", "fetch it again"],
        ),
        ("model.gguf", b"GGUF\x03\0\0\0", ["GGUF", ".safetensors"]),
        ("renamed.safetensors", b"GGUF\x03\0\0\0", ["GGUF", ".safetensors"]),
        ("old.ckpt", b"PK\x03\x04", ["pickle", "get the checkpoint as .safetensors"]),
        ("older.pt", pickle, ["pickle", "get the checkpoint as .safetensors"]),
        ("renamed-pickle.safetensors", pickle, ["pickle", "get the checkpoint as .safetensors"]),
        ("renamed-zip.safetensors", b"PK\x03\x04", ["pickle", "get the checkpoint as .safetensors"]),
        ("empty.safetensors", b"", ["too short", "fetch it again"]),
        ("notes.txt", b"hello", ["not a checkpoint", ".safetensors"]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        refused(&path, &words);
    }
}

#[test]
fn other_families_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let flux = "double_blocks.0.img_attn.norm.key_norm.scale";
    let cases: &[Case] = &[
        ("Flux is", &[(flux, &[128]), ("img_in.weight", &[8, 64])]),
        ("Flux 2 is", &[("double_stream_modulation_img.lin.weight", &[2]), (flux, &[128])]),
        ("Chroma is", &[("distilled_guidance_layer.in_proj.bias", &[2]), (flux, &[128])]),
        ("Stable Diffusion 3 is", &[("joint_blocks.0.context_block.attn.qkv.weight", &[2, 2])]),
        ("Qwen-Image is", &[("transformer_blocks.0.img_mod.1.weight", &[2, 2])]),
        ("Z-Image is", &[("cap_embedder.0.weight", &[2]), ("layers.0.adaLN_modulation.0.weight", &[2, 2])]),
        ("Lumina 2 is", &[("cap_embedder.0.weight", &[2]), ("layers.0.adaLN_modulation.1.weight", &[2, 2])]),
        ("Wan (video) is", &[("head.modulation", &[1, 2, 2])]),
        ("LTX (video) is", &[("patchify_proj.weight", &[2, 2])]),
        ("Stable Video Diffusion is", &[("input_blocks.1.1.time_stack.0.norm1.weight", &[2])]),
        ("the SDXL refiner is", &[("input_blocks.0.0.weight", &[384, 4, 1, 1]), ("label_emb.0.0.weight", &[1, 2560])]),
        (
            "Stable Diffusion 2 unCLIP is",
            &[
                ("input_blocks.0.0.weight", &[2, 4, 1, 1]),
                ("label_emb.0.0.weight", &[1, 1536]),
                ("input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", &[1, 1024]),
            ],
        ),
    ];
    for prefix in [UNET, ""] {
        for (family, tensors) in cases {
            let named: Vec<(String, &[usize])> =
                tensors.iter().map(|(name, shape)| (format!("{prefix}{name}"), *shape)).collect();
            let named: Vec<(&str, &[usize])> = named.iter().map(|(name, shape)| (name.as_str(), *shape)).collect();
            let path = header(folder.path(), "other.safetensors", &named);
            refused(&path, &[family, "not supported yet", "Stable Diffusion 1, 2 or XL"]);
        }
    }
    for (family, mark) in [("Playground 2.5", "edm_mean"), ("CosXL", "edm_vpred.sigma_max")] {
        let path = SingleFile::of("sdxl").marked(mark).write(folder.path(), "edm.safetensors");
        refused(&path, &[family, "not supported yet"]);
    }
}

#[test]
fn model_files_of_other_kinds_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let words = |width| ("input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", [1, width]);
    let of_control = format!("control_model.{}", words(768).0);
    let xl = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    let kinds: &[Case] = &[
        (
            "a ControlNet for Stable Diffusion 1",
            &[("control_model.zero_convs.0.0.weight", &[1]), (&of_control, &[1, 768])],
        ),
        (
            "a ControlNet for Stable Diffusion 2",
            &[
                ("input_hint_block.0.weight", &[1]),
                ("input_blocks.0.0.weight", &[1, 4, 1, 1]),
                (words(1024).0, &[1, 1024]),
            ],
        ),
        (
            "a ControlNet for SDXL",
            &[("controlnet_cond_embedding.conv_in.weight", &[1]), ("conv_in.weight", &[1, 4, 3, 3]), (xl, &[1, 2048])],
        ),
        ("an IP-Adapter", &[("ip_adapter.1.to_k_ip.weight", &[1, 1])]),
        ("TAESD", &[("decoder.layers.0.weight", &[1]), ("encoder.layers.0.weight", &[1])]),
        ("an autoencoder of 16 planes", &[("decoder.conv_in.weight", &[1, 16, 3, 3])]),
        ("no network that is known (its first tensor is something)", &[("something", &[1])]),
    ];
    for (kind, tensors) in kinds {
        let path = header(folder.path(), "file.safetensors", tensors);
        refused(&path, &[kind]);
        says(&FileSummary::of(&path).unwrap_err().to_string(), &[kind]);
    }
    let told: &[Case] = &[
        ("embedding) for Stable Diffusion 1, 3 vectors", &[("emb_params", &[3, 768])]),
        ("embedding) for Stable Diffusion 2, 1 vector", &[("<quill>", &[1024])]),
        ("embedding) for SDXL, 2 vectors", &[("clip_l", &[2, 768]), ("clip_g", &[2, 1280])]),
        (
            "an autoencoder (VAE) without",
            &[("decoder.conv_in.weight", &[1, 4, 3, 3]), ("decoder.mid.attn_1.q.weight", &[1, 1, 1, 1])],
        ),
        ("an autoencoder (VAE) without", &[("first_stage_model.decoder.conv_in.weight", &[1, 4, 3, 3])]),
        (
            "an autoencoder (VAE) without",
            &[("decoder.conv_in.weight", &[1, 4, 3, 3]), ("decoder.mid_block.attentions.0.to_q.weight", &[1, 1])],
        ),
        ("a text encoder (CLIP L)", &[("text_model.final_layer_norm.weight", &[768])]),
        ("a text encoder (CLIP G)", &[("transformer.resblocks.0.ln_1.weight", &[1280]), ("ln_final.weight", &[1280])]),
    ];
    for (kind, tensors) in told {
        let path = header(folder.path(), "part.safetensors", tensors);
        let found = FileSummary::of(&path).unwrap();
        assert!(found.kind.contains(kind) && !found.draws, "{kind:?}: {found:?}");
    }
    // A UNet alone, and one in which only text encoders lie.
    let unet = ("input_blocks.0.0.weight", [1_usize, 4, 1, 1]);
    let path = header(folder.path(), "mix.safetensors", &[(unet.0, &unet.1), (words(768).0, &[1, 768])]);
    let found = FileSummary::of(&path).unwrap();
    assert_eq!(found.kind, "Stable Diffusion 1, epsilon, a UNet alone");
    assert_eq!(found.missing, ["a text encoder", "an autoencoder (VAE)"]);
    let file = SingleFile::of("sdxl").without("first_stage_model.").marked("v_pred").marked("ztsnr");
    let found = FileSummary::of(&file.write(folder.path(), "noob.safetensors")).unwrap();
    assert_eq!(found.kind, "latent diffusion, v_prediction (velocity), zero terminal SNR");
    assert_eq!(found.missing, ["an autoencoder (VAE)"]);
}

#[test]
fn damaged_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = SingleFile::of("sd1").write(folder.path(), "whole.safetensors");
    let path = folder.path().join("cut.safetensors");
    let bytes = fs::read(&whole).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    refused(&path, &["cut short"]);
    // Another one's header, a tensor left out, one that is not finite, shapes that nothing has.
    let sd1 = || SingleFile::of("sd1");
    let lost = format!("{UNET}output_blocks.4.1.proj_in.weight");
    refused(
        &sd1().without(&lost).write(folder.path(), "lost.safetensors"),
        &["up_blocks.1.attentions.1.proj_in.weight", "missing"],
    );
    let mut broken = sd1();
    broken.tensors.get_mut(&lost).unwrap().2[..2].copy_from_slice(&half::f16::NAN.to_le_bytes());
    refused(&broken.write(folder.path(), "nan.safetensors"), &[&lost, "NaN"]);
    let first = format!("{UNET}input_blocks.1.0.in_layers.2.weight");
    for shape in [vec![0, 1 << 40], vec![0], vec![], vec![32 * 32 * 9]] {
        let mut absurd = sd1();
        let tensor = absurd.tensors.get_mut(&first).unwrap();
        tensor.1 = shape;
        tensor.2.truncate(2 * tensor.1.iter().product::<usize>());
        refused(&absurd.write(folder.path(), "absurd.safetensors"), &[]);
    }
    let mut mixed = sd1().without(UNET);
    mixed.tensors.extend(SingleFile::of("sdxl").part(UNET, UNET).tensors);
    refused(&mixed.write(folder.path(), "mixed.safetensors"), &["lacks the second text encoder"]);
}

#[test]
fn weights_quantised_to_4_bits_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let weight = format!("{UNET}input_blocks.1.1.proj_in.weight");
    for (ending, word) in [(".quant_state.bitsandbytes__nf4", "nf4"), (".absmax", "bitsandbytes")] {
        let file = SingleFile::of("sd1").with(&format!("{weight}{ending}"), Dtype::U8, &[1], &[0]);
        refused(&file.write(folder.path(), "nf4.safetensors"), &[word, "not supported yet"]);
    }
    let file = SingleFile::of("sd1").with(&format!("{UNET}input_blocks.1.1.proj_in.qweight"), Dtype::I8, &[1], &[0]);
    refused(&file.write(folder.path(), "svdq.safetensors"), &["SVDQuant", "not supported yet"]);
}

#[test]
fn a_name_is_a_hint_of_few_steps() {
    let folder = tempfile::tempdir().unwrap();
    let file = SingleFile::of("sd1");
    for (name, few) in
        [("mix", None), ("mixLightning_4S", Some(FewSteps::Lightning(4))), ("mix_LCM", Some(FewSteps::Lcm))]
    {
        let path = file.write(folder.path(), &format!("{name}.safetensors"));
        assert_eq!(FewSteps::of(path.to_str().unwrap()), few, "{name}");
    }
}

const WHOLE: &str = "unet/diffusion_pytorch_model.safetensors";

/// A prediction of a golden folder, or of a copy of it.
fn seen(folder: &Path) -> Vec<f32> {
    let mut model = Checkpoint::open(folder.to_str().unwrap()).unwrap().load(Device::Cpu).unwrap();
    let prompt = model.prompt("a red fox", Reading::default()).unwrap();
    model.predict(&Planes::zeros(1, 4, 16, 16), 500.0, &[Call { input: 0, prompt, place: None }]).unwrap().data
}

/// Cuts the UNet of a folder into two files and an index.
fn shard(folder: &Path, index: &str, names: [&str; 2]) {
    let bytes = fs::read(folder.join(WHOLE)).unwrap();
    fs::remove_file(folder.join(WHOLE)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut map = serde_json::Map::new();
    for (half, file) in names.iter().enumerate() {
        let part: Vec<_> =
            tensors.iter().enumerate().filter(|(i, _)| i % 2 == half).map(|(_, tensor)| tensor).collect();
        map.extend(part.iter().map(|(name, _)| ((*name).to_owned(), json!(file))));
        safetensors::serialize_to_file(part, None, &folder.join("unet").join(file)).unwrap();
    }
    let index = folder.join("unet").join(index);
    fs::write(index, json!({ "metadata": { "total_size": 1 }, "weight_map": map }).to_string()).unwrap();
}

#[test]
fn weights_in_several_files_are_one_network() {
    let expected = seen(&goldens().join("eps"));
    let stem = "diffusion_pytorch_model";
    for (index, names) in [
        (format!("{stem}.safetensors.index.json"), ["a-00001-of-00002.safetensors", "b.safetensors"]),
        (
            format!("{stem}.safetensors.index.fp16.json"),
            ["x.fp16-00001-of-00002.safetensors", "x.fp16-00002-of-00002.safetensors"],
        ),
        (format!("{stem}.fp16.safetensors.index.json"), ["x-00001-of-00002.fp16.safetensors", "y.fp16.safetensors"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        copy_checkpoint("eps", folder.path());
        shard(folder.path(), &index, names);
        assert_eq!(seen(folder.path()), expected, "{index}");
        // A whole file beside them is the network.
        fs::copy(goldens().join("eps").join(WHOLE), folder.path().join(WHOLE)).unwrap();
        fs::remove_file(folder.path().join("unet").join(names[0])).unwrap();
        assert_eq!(seen(folder.path()), expected, "{index} is stale");
        fs::remove_file(folder.path().join(WHOLE)).unwrap();
        let error = Checkpoint::open(folder.path().to_str().unwrap()).unwrap_err().to_string();
        says(&error, &[names[0], "no such file"]);
    }
}

#[test]
fn an_index_that_lies_is_told() {
    let folder = tempfile::tempdir().unwrap();
    copy_checkpoint("eps", folder.path());
    let index = "diffusion_pytorch_model.safetensors.index.json";
    shard(folder.path(), index, ["a.safetensors", "b.safetensors"]);
    let path = folder.path().join("unet").join(index);
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = good.clone();
        change(&mut changed);
        fs::write(&path, changed.to_string()).unwrap();
        Checkpoint::open(folder.path().to_str().unwrap()).map(|_| ()).unwrap_err().to_string()
    };
    let at = "conv_in.weight";
    says(&with(&|index| index["weight_map"][at] = json!("../../vae/config.json")), &[index, "not beside it"]);
    says(&with(&|index| index["weight_map"][at] = json!("..")), &[index, "not beside it"]);
    says(&with(&|index| index["weight_map"][at] = json!(7)), &[index, "not beside it"]);
    says(
        &with(&|index| index["weight_map"]["x.weight"] = json!("a.safetensors")),
        &[index, "x.weight", "a.safetensors"],
    );
    says(&with(&|index| index["weight_map"] = json!([])), &[index, "weight_map"]);
}

#[test]
fn a_folder_may_hold_halves_alone() {
    let folder = tempfile::tempdir().unwrap();
    copy_checkpoint("eps", folder.path());
    for (part, stem) in
        [("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("text_encoder", "model")]
    {
        let path = |ending: &str| folder.path().join(part).join(format!("{stem}{ending}.safetensors"));
        fs::rename(path(""), path(".fp16")).unwrap();
    }
    assert_eq!(seen(folder.path()), seen(&goldens().join("eps")));
    fs::rename(
        folder.path().join("unet/diffusion_pytorch_model.fp16.safetensors"),
        folder.path().join("unet/diffusion_pytorch_model.fp16.bin"),
    )
    .unwrap();
    says(&Checkpoint::open(folder.path().to_str().unwrap()).unwrap_err().to_string(), &[".fp16.bin", "pickle"]);
}
