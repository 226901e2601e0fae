//! The component `embeddings` as a function, whose models are its assets.

use reqwest::Method;
use serde_json::json;
use tensor_wasm_test_model::TinyModel;
use tensor_wasm_tests::component;

use super::Node;

#[test]
fn a_function_embeds_by_the_model_among_its_assets() {
    let node = Node::start(&[]);
    let model = TinyModel::seeded(3, 2);
    let folder = tempfile::tempdir().unwrap();
    model.write(folder.path()).unwrap();
    for name in ["config.json", "vocab.txt", "model.safetensors"] {
        let path = format!("/functions/texts/assets/tiny/{name}");
        let file = std::fs::read(folder.path().join(name)).unwrap();
        let request = node.server.request(Method::PUT, &path).body(file);
        assert_eq!(node.server.send(request).status, 200);
    }
    let deployed = node.post_component("texts", component("embeddings"));
    assert_eq!(deployed.status, 201, "{}", deployed.text());
    let words = "money in the bank";
    let body = json!({ "model": "tiny", "input": words });
    for _ in 0..2 {
        let reply = node.server.post("/f/texts/v1/embeddings", body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        let numbers = answer["data"][0]["embedding"].as_array().unwrap();
        let expected = model.embedding(&model.tokens(words));
        let cosine: f64 = numbers
            .iter()
            .zip(expected)
            .map(|(number, expected)| number.as_f64().unwrap() * expected)
            .sum();
        assert!((1.0 - cosine).abs() < 1e-6, "{cosine}");
    }
}
