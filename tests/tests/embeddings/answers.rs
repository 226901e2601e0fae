//! What it answers where a request is as it should be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tensor_wasm_test_model::{TinyModel, WORDS};

use super::{SERVER, TINY, WIDE, distance, embed, embeddings, models, post, serve, tiny, wide};

/// So many words, other ones for each seed.
fn text(words: usize, seed: usize) -> String {
    let word = |index| WORDS[(seed * 7 + index * (seed + 3)) % WORDS.len()];
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_is(model: &TinyModel, words: &str, embedding: &[f64]) {
    let mut tokens = model.tokens(words);
    if tokens.len() > model.most_tokens {
        tokens.truncate(model.most_tokens - 1);
        tokens.extend(model.tokens("").pop());
    }
    let distance = distance(embedding, &model.embedding(&tokens));
    assert!(distance.abs() < 1e-6, "{distance} of {words:?}");
}

#[test]
fn embeddings_are_those_that_the_formulas_give() {
    let server = SERVER.get();
    for (name, model) in [(TINY, tiny()), (WIDE, wide())] {
        // Around the sizes of tiles, of 8 queries and 32 keys, and beyond what the model takes.
        let lengths = [1, 2, 5, 6, 7, 29, 30, 31, 45, 61, 62, 63, 69, 70, 71, 90];
        let texts: Vec<String> = lengths.iter().map(|words| text(*words, *words)).collect();
        let together = embed(&server, name, json!(texts));
        assert_eq!(together.len(), texts.len());
        for (text, embedding) in texts.iter().zip(&together) {
            assert_is(&model, text, embedding);
        }
        // Alone, a text has the same embedding: no other one has an influence.
        let alone = embed(&server, name, json!(texts[8]));
        assert!(distance(&alone[0], &together[8]) < 1e-6);
    }
}

#[test]
fn each_form_of_input_is_the_same_text() {
    let server = SERVER.get();
    let model = tiny();
    let words = "the cat sat on the old mat";
    let tokens = model.tokens(words);
    let ids = &tokens[1..tokens.len() - 1];
    for input in [
        json!(words),
        json!([words]),
        json!(ids),
        json!([ids]),
        json!("  The CAT sat\ton the\u{ad} old\u{a0}MÁT\r\n"),
    ] {
        let answer = embed(&server, TINY, input);
        assert_eq!(answer.len(), 1);
        assert_is(&model, words, &answer[0]);
    }
    let mixed = embed(&server, TINY, json!([words, ids]));
    assert_eq!(mixed[0], mixed[1]);
}

#[test]
fn base64_has_the_bits_of_the_same_numbers() {
    let server = SERVER.get();
    let ask = |format: Value| {
        let input = ["the cat", "a dog"];
        let body =
            json!({ "model": TINY, "input": input, "encoding_format": format, "user": "me" });
        let reply = post(&server, &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/json"));
        reply.json()
    };
    let base64 = ask(json!("base64"));
    let floats = embeddings(&ask(json!("float")));
    assert_eq!(embeddings(&ask(Value::Null)), floats);
    for (entry, floats) in base64["data"].as_array().unwrap().iter().zip(floats) {
        let bytes = STANDARD
            .decode(entry["embedding"].as_str().unwrap())
            .unwrap();
        let numbers: Vec<f32> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let floats: Vec<f32> = floats.iter().map(|number| *number as f32).collect();
        assert_eq!(numbers, floats);
    }
}

#[test]
fn usage_counts_the_tokens_that_the_model_gets() {
    let server = SERVER.get();
    // Two tokens stand around each text; what is no word of the vocabulary has several.
    for (input, expected) in [
        (json!("the cat"), 4),
        (json!(["the cat", "a dog ran"]), 9),
        (json!("cats"), 4),
        (json!("zq!"), 5),
        (json!([[7, 8, 9]]), 5),
        (json!("the cat ".repeat(1000)), 72),
        (json!(" "), 2),
    ] {
        let reply = post(&server, &json!({ "model": TINY, "input": input }));
        let answer = reply.json();
        assert_eq!(answer["usage"]["prompt_tokens"], expected, "{input}");
        assert_eq!(answer["usage"]["total_tokens"], expected);
        assert_eq!(answer["model"], TINY);
        assert_eq!(answer["object"], "list");
    }
}

#[test]
fn a_text_of_a_hundred_thousand_words_is_cut_off() {
    let words = "the old cat ran under the red mat ".repeat(12_500);
    let answer = embed(&SERVER.get(), TINY, json!(words));
    assert_is(&tiny(), &words[..34 * 20], &answer[0]);
}

#[test]
fn more_texts_than_are_computed_together_are_answered_in_their_order() {
    let model = tiny();
    let texts: Vec<String> = (0..300).map(|index| text(1 + index % 40, index)).collect();
    let answer = embed(&SERVER.get(), TINY, json!(texts));
    assert_eq!(answer.len(), texts.len());
    for index in (0..300).step_by(13) {
        assert_is(&model, &texts[index], &answer[index]);
    }
}

#[test]
fn the_models_are_those_of_the_folder() {
    let server = SERVER.get();
    let list = server.get("/v1/models").json();
    assert_eq!(list["object"], "list");
    let ids: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| &model["id"])
        .collect();
    assert_eq!(ids, [TINY, WIDE]);
    let one = server.get(&format!("/v1/models/{WIDE}")).json();
    assert_eq!(one, list["data"][1]);
    assert_eq!(one["object"], "model");
    assert!(one["created"].as_u64().unwrap() > 1_600_000_000);
}

#[test]
fn an_instance_that_serves_several_requests_answers_the_same() {
    let reused = serve(&models()).args(["--reuse", "1000"]).start();
    let fresh = SERVER.get();
    for index in 0..6 {
        let model = [TINY, WIDE, WIDE][index % 3];
        let text = json!(text(5 + index, index));
        assert_eq!(
            embed(&reused, model, text.clone()),
            embed(&fresh, model, text)
        );
    }
}

#[test]
fn first_requests_at_one_time_are_all_answered() {
    let server = serve(&models()).start();
    let words = "the fish swims in the blue river";
    std::thread::scope(|scope| {
        let ask = || embed(&server, TINY, json!(words)).remove(0);
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        for thread in threads {
            assert_is(&tiny(), words, &thread.join().unwrap());
        }
    });
}
