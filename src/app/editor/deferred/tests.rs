use super::*;
use crate::app::editor::Selected;
use crate::document::PixelRect;
use crate::paint::{Brush, Sample, Stroke};

/// A large canvas with one region, half of it covered.
fn editor() -> (Editor, RegionId) {
    let mut document = Document::new(1024, 1024);
    let id = document.add_region("Sky", "clouds");
    Arc::make_mut(&mut document.regions[0].mask).fill(PixelRect::whole(1024, 512), 255);
    (Editor::new(document, "test"), id)
}

fn works_out(editor: &mut Editor) {
    let number = editor.next_work().expect("something to do");
    let made = editor.begin_work().expect("something to do")();
    editor.end_work(number, made);
}

fn invert(editor: &mut Editor, id: RegionId) {
    editor.remake(id, "Invert", u64::MAX, |mask, _| mask.map(|v| 255 - v));
}

fn paint(editor: &mut Editor, id: RegionId, at: (f32, f32)) {
    let brush = Brush { diameter: 40.0, ..Brush::default() };
    let stroke = editor
        .begin_stroke(id, |mask| Stroke::begin(mask, brush, crate::document::Wrap::None, Sample::new(at.0, at.1)));
    editor.end_stroke("Paint", vec![(id, |mask: &mut Mask| stroke.expect("a region").commit(mask))]);
}

fn at(editor: &Editor, x: u32, y: u32) -> u8 {
    editor.document().regions[0].mask.get(x, y)
}

#[test]
fn what_is_worked_out_is_one_step_when_it_is_there() {
    let (mut editor, id) = editor();
    invert(&mut editor, id);
    assert!(editor.is_working() && editor.is_unsaved());
    assert_eq!((editor.undo_label(), at(&editor, 5, 5)), (Some("Invert"), 255), "not there yet");
    works_out(&mut editor);
    assert!(!editor.is_working());
    assert_eq!((editor.undo_label(), at(&editor, 5, 5), at(&editor, 5, 600)), (Some("Invert"), 0, 255));
    let rects: Vec<PixelRect> = editor.take_damage().masks.into_iter().map(|(_, rect)| rect).collect();
    assert_eq!(rects, [PixelRect::whole(1024, 1024)]);
    editor.undo();
    assert_eq!((at(&editor, 5, 5), at(&editor, 5, 600)), (255, 0));
    assert!(!editor.is_unsaved());
}

#[test]
fn a_stroke_meanwhile_is_not_lost() {
    let (mut editor, id) = editor();
    invert(&mut editor, id);
    let number = editor.next_work().expect("something to do");
    let made = editor.begin_work().expect("something to do")();
    paint(&mut editor, id, (500.0, 800.0));
    editor.end_work(number, made);
    assert!(editor.is_working(), "it was made of another mask");
    assert_eq!(at(&editor, 500, 800), 255);
    works_out(&mut editor);
    assert_eq!((at(&editor, 500, 800), at(&editor, 5, 5)), (0, 0), "the stroke is inverted, too");
    editor.undo();
    assert_eq!((editor.undo_label(), at(&editor, 500, 800)), (Some("Paint"), 255));
    editor.undo();
    assert_eq!(at(&editor, 500, 800), 0);
    editor.redo();
    editor.redo();
    assert_eq!((at(&editor, 500, 800), at(&editor, 5, 600)), (0, 255));
}

#[test]
fn changes_keep_their_order() {
    let (mut editor, id) = editor();
    invert(&mut editor, id);
    // A small one waits for the large one before it.
    editor.remake(id, "Halve", 1, |mask, _| mask.map(|v| v / 2));
    assert_eq!(editor.undo_label(), Some("Halve"));
    works_out(&mut editor);
    works_out(&mut editor);
    assert_eq!((at(&editor, 5, 5), at(&editor, 5, 600)), (0, 127));
    editor.undo();
    assert_eq!((editor.undo_label(), at(&editor, 5, 600)), (Some("Invert"), 255));
}

#[test]
fn a_stroke_is_ended_before_anything_else_is_changed() {
    let (mut editor, id) = editor();
    let stroke = editor.begin_stroke(id, |mask| {
        Stroke::begin(mask, Brush::default(), crate::document::Wrap::None, Sample::new(500.0, 800.0))
    });
    editor.remake(id, "Halve", 1, |mask, _| mask.map(|v| v / 2));
    assert_eq!((at(&editor, 500, 800), at(&editor, 5, 5)), (255, 255));
    editor.end_stroke("Paint", vec![(id, |mask: &mut Mask| stroke.expect("a region").commit(mask))]);
    works_out(&mut editor);
    assert_eq!((at(&editor, 500, 800), at(&editor, 5, 5)), (127, 127));
    editor.undo();
    editor.undo();
    assert_eq!((at(&editor, 500, 800), at(&editor, 5, 5)), (0, 255));
}

#[test]
fn undo_leaves_what_is_not_there_yet() {
    let (mut editor, id) = editor();
    paint(&mut editor, id, (500.0, 800.0));
    invert(&mut editor, id);
    let number = editor.next_work().expect("something to do");
    let made = editor.begin_work().expect("something to do")();
    editor.undo();
    assert!(!editor.is_working());
    editor.end_work(number, made);
    assert_eq!((editor.undo_label(), at(&editor, 500, 800)), (Some("Paint"), 255), "it came too late");
}

#[test]
fn a_model_is_chosen_once_its_files_have_told_its_kind() {
    let (mut editor, _) = editor();
    let model = |editor: &Editor| editor.document().settings.model.clone();
    editor.choose_model("embedded/few_steps".to_owned());
    assert_eq!((model(&editor).as_str(), editor.work()), ("embedded", Some("Model")), "files wait for a thread");
    // A second choice before the first is there: both come, in their order.
    editor.choose_model("elsewhere".to_owned());
    works_out(&mut editor);
    assert_eq!((model(&editor).as_str(), editor.is_working()), ("embedded/few_steps", true));
    works_out(&mut editor);
    assert_eq!((model(&editor).as_str(), editor.is_working()), ("elsewhere", false));
    editor.undo();
    assert_eq!(model(&editor), "embedded/few_steps");
    editor.undo();
    assert_eq!((model(&editor).as_str(), editor.is_unsaved()), ("embedded", false));
}

#[test]
fn a_lora_for_few_steps_waits_for_the_model_s_files_and_any_other_does_not() {
    let (mut editor, _) = editor();
    editor.change_loras(|loras| loras.push(Lora::new("ink.safetensors")));
    assert_eq!((editor.document().settings.loras.len(), editor.is_working()), (1, false));
    let steps = editor.document().settings.steps;
    editor.change_loras(|loras| loras.push(Lora::new("lcm.safetensors")));
    assert_eq!((editor.document().settings.loras.len(), editor.work()), (1, Some("LoRAs")));
    // Asked for after it, so done after it.
    editor.change_loras(|loras| drop(loras.remove(0)));
    works_out(&mut editor);
    assert_eq!((editor.document().settings.loras.len(), editor.document().settings.steps), (2, 4));
    works_out(&mut editor);
    assert_eq!(editor.document().settings.loras, [Lora::new("lcm.safetensors")]);
    editor.undo();
    editor.undo();
    assert_eq!((editor.document().settings.loras.len(), editor.document().settings.steps), (1, steps));
}

#[test]
fn a_region_that_is_gone_is_not_changed() {
    let (mut editor, id) = editor();
    invert(&mut editor, id);
    editor.select(Selected::Region(id));
    editor.delete_regions();
    works_out(&mut editor);
    assert!(!editor.is_working());
    assert_eq!(editor.undo_label(), Some("Delete region"));
}

#[test]
fn a_canvas_changes_its_size_with_all_that_was_painted_meanwhile() {
    let (mut editor, id) = editor();
    editor.resize(2048, 1024, Some((1024, 0)));
    let number = editor.next_work().expect("something to do");
    let made = editor.begin_work().expect("something to do")();
    paint(&mut editor, id, (500.0, 800.0));
    editor.end_work(number, made);
    assert_eq!(editor.document().width, 1024);
    works_out(&mut editor);
    assert_eq!((editor.document().width, at(&editor, 1524, 800), at(&editor, 500, 800)), (2048, 255, 0));
    editor.undo();
    assert_eq!((editor.document().width, at(&editor, 500, 800)), (1024, 255));
}
