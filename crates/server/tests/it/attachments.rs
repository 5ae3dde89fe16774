//! Attachments: up and down as they are, harmless whatever they claim to be.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use reqwest::multipart::{Form, Part};

use crate::fixture::*;

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Part {
    Part::bytes(bytes.into()).file_name(name.to_owned())
}

fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixels = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 128]));
    pixels.write_to(&mut bytes, format).expect("an image can be encoded");
    bytes.into_inner()
}

async fn posts(house: &House, who: Person, form: Form) -> api::Answer {
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    api::answer(house.api(who).request("POST", &path).multipart(form)).await
}

async fn posts_one(house: &House, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
    posts(house, GRACE, Form::new().text("message", "").part("file", file(name, bytes))).await.is(201)["attachments"][0].clone()
}

fn url(attachment: &Value) -> &str {
    attachment["url"].as_str().expect("an attachment has a url")
}

/// What every answer of the two attachment calls carries.
fn is_harmless(answer: &api::Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-security-policy"), "default-src 'none'; sandbox");
    assert!(answer.header("cache-control").contains("private"));
}

#[tokio::test]
async fn a_file_goes_up_and_comes_down_as_it_was() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let form = Form::new().text("message", "see the file").text("client_id", "x1").part("file", file("data.bin", bytes.clone()));
    let posted = posts(&house, GRACE, form).await.is(201);
    let seen = ada.sees("see the file").await;
    assert_eq!((&seen["attachments"], &seen["client_id"]), (&posted["attachments"], &json!("x1")));
    let attachment = &posted["attachments"][0];
    assert_eq!((&attachment["name"], &attachment["size"]), (&json!("data.bin"), &json!(300_000)));
    for who in [ADA, GRACE] {
        let down = house.api(who).get(url(attachment)).await;
        assert_eq!((down.status, down.body == bytes), (200, true));
        is_harmless(&down);
        assert!(down.header("content-disposition").starts_with("attachment"));
    }
    let refused = house.api_of_nobody().get(url(attachment)).await;
    refused.problem(401, "unauthorized");
    is_harmless(&refused);
    let absent = house.api(ADA).get("/api/chat/attachments/999999/").await;
    absent.problem(404, "not_found");
    is_harmless(&absent);
    house.closes().await;
}

#[tokio::test]
async fn ranges_are_served() {
    let house = House::opens().await;
    let attachment = posts_one(&house, "digits.txt", "0123456789").await;
    let range = async |range: &str| api::answer(house.api(GRACE).request("GET", url(&attachment)).header("range", range)).await;
    for (asked, text, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=0-999", "0123456789", "bytes 0-9/10"),
    ] {
        let part = range(asked).await;
        assert_eq!((part.status, part.text().as_str(), part.header("content-range")), (206, text, content_range), "{asked}");
        is_harmless(&part);
    }
    let beyond = range("bytes=10-").await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */10"));
    assert_eq!(range("lines=1-2").await.status, 200, "a range that is not understood counts for nothing");
    house.closes().await;
}

#[tokio::test]
async fn pictures_are_shown() {
    let house = House::opens().await;
    for (format, content_type) in [
        (ImageFormat::Png, "image/png"),
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Gif, "image/gif"),
        (ImageFormat::WebP, "image/webp"),
    ] {
        let bytes = picture(format, 60, 40);
        // The name says nothing: what counts is in the bytes.
        let attachment = posts_one(&house, "picture.dat", bytes.clone()).await;
        assert_eq!(
            (&attachment["content_type"], &attachment["width"], &attachment["height"]),
            (&json!(content_type), &json!(60), &json!(40))
        );
        let down = house.api(GRACE).get(url(&attachment)).await;
        assert_eq!((down.header("content-type"), down.body == bytes), (content_type, true));
        assert!(down.header("content-disposition").starts_with("inline"), "{}", down.header("content-disposition"));
        is_harmless(&down);
    }
    house.closes().await;
}

#[tokio::test]
async fn large_pictures_have_a_small_copy() {
    let house = House::opens().await;
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let attachment = posts_one(&house, "picture", picture(format, 1_200, 800)).await;
        let thumbnail = house.api(ADA).get(attachment["thumbnail_url"].as_str().expect("a thumbnail")).await;
        is_harmless(&thumbnail);
        assert!(thumbnail.header("content-type").starts_with("image/"));
        let small = image::load_from_memory(&thumbnail.body).expect("a thumbnail is a picture");
        assert!(small.width() < 1_200 && small.width().abs_diff(small.height() * 3 / 2) <= 2, "{}x{}", small.width(), small.height());
    }
    house.closes().await;
}

/// An orientation of 6 means: turned by a quarter. Sizes and the thumbnail are turned upright, the bytes are not touched.
#[tokio::test]
async fn a_turned_photograph_is_shown_upright_and_its_place_is_not_told() {
    let house = House::opens().await;
    let plain = picture(ImageFormat::Jpeg, 800, 400);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"GPS-SECRET-PLACE");
    let length = u16::try_from(exif.len() + 2).expect("a short segment").to_be_bytes();
    let turned = [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat();
    let attachment = posts_one(&house, "photo.jpg", turned.clone()).await;
    assert_eq!((&attachment["width"], &attachment["height"]), (&json!(400), &json!(800)));
    let thumbnail = house.api(GRACE).get(attachment["thumbnail_url"].as_str().expect("a thumbnail")).await;
    let small = image::load_from_memory(&thumbnail.body).expect("a thumbnail is a picture");
    assert!(small.height() > small.width());
    assert!(!String::from_utf8_lossy(&thumbnail.body).contains("GPS-SECRET-PLACE"), "metadata is dropped");
    assert!(house.api(GRACE).get(url(&attachment)).await.body == turned, "the bytes are those that were uploaded");
    house.closes().await;
}

#[tokio::test]
async fn files_that_lie_about_their_type_are_downloaded() {
    let house = House::opens().await;
    let html = "<!DOCTYPE html><html><script>alert(1)</script></html>";
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    let pdf_page = "%PDF-1.7 <script>alert(1)</script>";
    for (name, bytes) in [
        ("cute.png", html),
        ("logo.png", svg),
        ("logo.svg", svg),
        ("page.html", html),
        ("paper.pdf", pdf_page),
        ("picture.jpg", "no picture at all"),
        ("x.xml", "<?xml version='1.0'?><x/>"),
    ] {
        let form = Form::new().text("message", "").part("file", file(name, bytes).mime_str("image/png").expect("a media type"));
        let attachment = posts(&house, GRACE, form).await.is(201)["attachments"][0].clone();
        assert!(attachment.get("width").is_none() && attachment.get("thumbnail_url").is_none(), "{name} is no picture");
        let down = house.api(GRACE).get(url(&attachment)).await;
        assert!(down.header("content-disposition").starts_with("attachment"), "{name}");
        assert!(!down.header("content-type").starts_with("image/"), "{name}: {}", down.header("content-type"));
        is_harmless(&down);
        assert_eq!(down.text(), bytes);
        house.api(GRACE).get(&format!("{}thumbnail/", url(&attachment))).await.problem(404, "not_found");
    }
    house.closes().await;
}

/// A failure is no thumbnail, never a failed upload.
#[tokio::test]
async fn broken_and_huge_pictures_are_stored_without_a_thumbnail() {
    let house = House::opens().await;
    let whole = picture(ImageFormat::Png, 300, 300);
    let mut huge = whole.clone();
    // The header claims 60,000 × 60,000 pixels.
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    for (name, bytes) in [("cut.png", whole[..60].to_vec()), ("huge.png", huge), ("head.jpg", vec![0xff, 0xd8, 0xff, 0xe0])] {
        let attachment = posts_one(&house, name, bytes.clone()).await;
        assert!(attachment.get("thumbnail_url").is_none(), "{name}: {attachment}");
        assert!(house.api(GRACE).get(url(&attachment)).await.body == bytes, "{name}");
    }
    house.closes().await;
}

#[tokio::test]
async fn names_are_the_last_part_of_a_path_without_control_characters() {
    let house = House::opens().await;
    for (given, name) in [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/absolute/file.txt", "file.txt"),
        ("naïve 文件.txt", "naïve 文件.txt"),
        ("quote\".txt", "quote\".txt"),
    ] {
        let attachment = posts_one(&house, given, "x").await;
        assert_eq!(attachment["name"], name, "{given}");
        let down = house.api(GRACE).get(url(&attachment)).await;
        assert!(!down.header("content-disposition").contains(['/', '\\', '\n']), "{}", down.header("content-disposition"));
    }
    for given in ["..", ".", "", "a/", " "] {
        let name = posts_one(&house, given, "x").await["name"].as_str().expect("a name").to_owned();
        assert!(!name.is_empty() && name != "." && name != ".." && !name.chars().any(char::is_control), "{given:?} became {name:?}");
    }
    let long = posts_one(&house, &format!("{}.txt", "界".repeat(200)), "x").await["name"].as_str().expect("a name").to_owned();
    assert!(long.len() <= 255, "{} bytes", long.len());
    house.closes().await;
}

#[tokio::test]
async fn ten_files_are_taken_and_eleven_are_not() {
    let house = House::opens().await;
    let form = |count: usize| {
        (0..count).fold(Form::new().text("message", "many"), |form, number| {
            form.part("file", file(&format!("{number}.txt"), format!("{number}")))
        })
    };
    let posted = posts(&house, GRACE, form(10)).await.is(201);
    let names: Vec<&str> = posted["attachments"].as_array().expect("attachments").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, (0..10).map(|number| format!("{number}.txt")).collect::<Vec<_>>(), "in their order");
    posts(&house, GRACE, form(11)).await.problem(422, "invalid");
    assert_eq!(house.api(GRACE).get(&format!("/api/chat/rooms/{}/", GRACE.room)).await.ok()["last_seq"], 1);
    house.closes().await;
}

#[tokio::test]
async fn twenty_five_megabytes_are_taken_and_one_byte_more_is_not() {
    let house = House::opens().await;
    let most = 25 * 1024 * 1024;
    let form = |bytes: usize| Form::new().text("message", "").part("file", file("big.bin", vec![7; bytes]));
    assert_eq!(posts(&house, GRACE, form(most)).await.is(201)["attachments"][0]["size"], most);
    posts(&house, GRACE, form(most + 1)).await.problem(413, "too_large");
    let left = std::fs::read_dir(house.data().join("attachments"))
        .expect("the folder is there")
        .flat_map(|entry| walk(&entry.expect("an entry").path()))
        .count();
    assert_eq!(left, 1, "nothing is left of what was refused");
    house.closes().await;
}

fn walk(path: &std::path::Path) -> Vec<std::path::PathBuf> {
    if path.is_dir() {
        return std::fs::read_dir(path).expect("a folder").flat_map(|entry| walk(&entry.expect("an entry").path())).collect();
    }
    vec![path.to_owned()]
}

#[tokio::test]
async fn a_message_may_be_empty_beside_a_file_and_not_without() {
    let house = House::opens().await;
    let posted = posts(&house, GRACE, Form::new().part("file", file("a.txt", "x"))).await.is(201);
    assert_eq!(posted["message"], "");
    posts(&house, GRACE, Form::new().text("message", "")).await.problem(422, "empty");
    assert_eq!(posts(&house, GRACE, Form::new().text("message", "text only")).await.is(201)["attachments"], json!([]));
    posts(&house, GRACE, Form::new().text("message", "a".repeat(4_001)).part("file", file("a.txt", "x"))).await.problem(422, "too_long");
    house.closes().await;
}

#[tokio::test]
async fn a_repeat_stores_no_second_copy() {
    let house = House::opens().await;
    let form = || Form::new().text("message", "once").text("client_id", "x1").part("file", file("a.txt", "the bytes"));
    let first = posts(&house, GRACE, form()).await.is(201);
    let again = posts(&house, GRACE, form()).await.is(200);
    assert_eq!(first, again);
    let stored = walk(&house.data().join("attachments"));
    assert_eq!(stored.len(), 1, "{stored:?}");
    house.closes().await;
}

#[tokio::test]
async fn a_broken_form_is_refused_and_leaves_nothing() {
    let house = House::opens().await;
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    let cut = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf";
    let request = house.api(GRACE).request("POST", &path).header("content-type", "multipart/form-data; boundary=b").body(cut);
    api::answer(request).await.problem(400, "bad_request");
    let request = house.api(GRACE).request("POST", &path).header("content-type", "multipart/form-data").body("x");
    api::answer(request).await.problem(400, "bad_request");
    posts(&house, GRACE, Form::new().text("message", "Hi").text("colour", "red")).await.problem(422, "invalid");
    assert!(walk(&house.data().join("attachments")).is_empty());
    house.closes().await;
}
