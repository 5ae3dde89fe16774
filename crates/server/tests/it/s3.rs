//! Attachments in a bucket that several nodes share. The S3 server is a real one over HTTP, from crates.io: see `s3/bucket.rs`.

mod bucket;

use std::{
    fs,
    io::Cursor,
    time::{Duration, SystemTime},
};

use image::{ImageFormat, RgbImage};
use reqwest::multipart::{Form, Part};

use self::bucket::Bucket;
use crate::fixture::{process::command, *};

async fn node(bucket: &Bucket) -> House {
    let storage = bucket.storage();
    House::opens_with(|config, _| (config.rate_limit, config.attachments) = (0, Some(storage))).await
}

fn form(name: &str, bytes: impl Into<Vec<u8>>) -> Form {
    Form::new().text("message", "").text("client_id", name.to_owned()).part("file", Part::bytes(bytes.into()).file_name(name.to_owned()))
}

async fn posts(house: &House, name: &str, bytes: impl Into<Vec<u8>>) -> api::Answer {
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    api::answer(house.api(GRACE).request("POST", &path).multipart(form(name, bytes))).await
}

async fn posted(house: &House, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
    posts(house, name, bytes).await.is(201)["attachments"][0].clone()
}

fn url(attachment: &Value) -> &str {
    attachment["url"].as_str().expect("an attachment has a url")
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixels = RgbImage::from_fn(900, 600, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 128]));
    pixels.write_to(&mut bytes, ImageFormat::Png).expect("an image can be encoded");
    bytes.into_inner()
}

async fn cli(house: &House, bucket: Option<&Bucket>, args: &[&str], input: &str) -> Ran {
    let mut command = command(house.folder(), args);
    command.env("FRONTDESK_DATA", house.data());
    if let Some(bucket) = bucket {
        command.env("FRONTDESK_ATTACHMENTS", bucket.url()).envs(bucket.variables());
    }
    process::finish(&mut command, input).await
}

#[tokio::test]
async fn what_one_node_takes_in_the_other_gives_out() {
    let bucket = Bucket::opens().await;
    let mut nodes = House::nodes_with(2, |config, _| config.attachments = Some(bucket.storage())).await;
    let (there, here) = (nodes.pop().expect("two"), nodes.pop().expect("two"));
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let attachment = posted(&here, "data.bin", bytes.clone()).await;
    for node in [&here, &there] {
        let down = node.api(ADA).get(url(&attachment)).await;
        assert_eq!((down.status, down.body == bytes, down.header("content-length")), (200, true, "300000"));
        assert_eq!(down.header("content-security-policy"), "default-src 'none'; sandbox");
        assert!(down.header("content-disposition").starts_with("attachment"));
        node.api_of_nobody().get(url(&attachment)).await.problem(401, "unauthorized");
        node.api(LINUS).get(url(&attachment)).await.problem(404, "not_found");
    }
    let shown = posted(&there, "picture.png", picture()).await;
    let small = here.api(GRACE).get(shown["thumbnail_url"].as_str().expect("a thumbnail")).await;
    assert_eq!((small.status, small.header("content-type")), (200, "image/jpeg"));
    assert_eq!(image::load_from_memory(&small.body).expect("a picture").width(), 560);
    assert_eq!(bucket.names().len(), 3, "two files and one thumbnail: {:?}", bucket.names());
    for node in [here, there] {
        let left: Vec<_> = fs::read_dir(node.data().join("attachments/tmp")).expect("the folder is there").collect();
        assert!(left.is_empty(), "nothing stays on the node: {left:?}");
        node.closes().await;
    }
}

#[tokio::test]
async fn ranges_and_conditions_are_served_from_a_bucket() {
    let bucket = Bucket::opens().await;
    let house = node(&bucket).await;
    let attachment = posted(&house, "digits.txt", "0123456789").await;
    let asked = async |name: &str, value: &str| api::answer(house.api(GRACE).request("GET", url(&attachment)).header(name, value)).await;
    for (range, text, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=0-999", "0123456789", "bytes 0-9/10"),
    ] {
        let part = asked("range", range).await;
        assert_eq!((part.status, part.text().as_str(), part.header("content-range")), (206, text, content_range), "{range}");
    }
    assert_eq!(asked("range", "bytes=10-").await.status, 416);
    let etag = house.api(GRACE).get(url(&attachment)).await.header("etag").to_owned();
    assert_eq!(asked("if-none-match", &etag).await.status, 304);
    let empty = posted(&house, "empty.bin", "").await;
    let down = house.api(GRACE).get(url(&empty)).await;
    assert_eq!((down.status, down.body.len()), (200, 0));
    let largest = vec![7; 25 * 1024 * 1024];
    let attachment = posted(&house, "largest.bin", largest.clone()).await;
    assert!(house.api(GRACE).get(url(&attachment)).await.body == largest);
    house.closes().await;
}

#[tokio::test]
async fn a_bucket_that_is_away_refuses_nothing_for_good() {
    let mut bucket = Bucket::opens().await;
    let house = node(&bucket).await;
    let before = posted(&house, "before.txt", "before").await;
    bucket.goes_away().await;
    posts(&house, "a.txt", "the bytes").await.problem(503, "not_durable");
    house.api(GRACE).get(url(&before)).await.problem(503, "unavailable");
    let room = format!("/api/chat/rooms/{}/", GRACE.room);
    assert_eq!(house.api(ADA).get(&room).await.ok()["last_seq"], 1, "nothing is half there");
    house.enters(GRACE, GRACE.room).await.says("text goes on").await;
    bucket.comes_back().await;
    let after = posted(&house, "a.txt", "the bytes").await;
    assert_eq!(house.api(GRACE).get(url(&after)).await.text(), "the bytes");
    assert_eq!(house.api(GRACE).get(url(&before)).await.text(), "before");
    let again = posts(&house, "a.txt", "the bytes").await.is(200);
    assert_eq!(again["attachments"][0], after);
    until("the repeat's copy is removed", async || bucket.names().len() == 2).await;
    house.closes().await;
}

#[tokio::test]
async fn old_objects_that_no_message_needs_are_swept() {
    let bucket = Bucket::opens().await;
    let mut house = node(&bucket).await;
    let kept = posted(&house, "kept.png", picture()).await;
    house.ends().await;
    let needed = bucket.names();
    let age = |name: &str, old: bool| {
        let path = bucket.place().join(name);
        let file = fs::File::options().create(true).append(true).open(path).expect("the bucket can be written");
        let hours = Duration::from_secs(if old { 7_200 } else { 0 });
        file.set_modified(SystemTime::now() - hours).expect("times can be set");
    };
    needed.iter().for_each(|name| age(name, true));
    let (old, young) = ("0".repeat(32), "1".repeat(32));
    for name in [&old, &format!("{old}.thumb"), "notes-of-somebody.txt"] {
        age(name, true);
    }
    age(&young, false);
    house.opens_inside_again(|config, _| config.attachments = Some(bucket.storage())).await;
    until("what is old and unneeded is gone", async || bucket.names().iter().all(|name| !name.starts_with(&old))).await;
    let mut expected = [vec![young], needed].concat();
    expected.sort();
    assert_eq!(bucket.names(), expected, "what is young or needed stays");
    assert!(bucket.place().join("notes-of-somebody.txt").exists(), "what is not ours stays");
    assert_eq!(house.api(GRACE).get(url(&kept)).await.status, 200);
    house.closes().await;
}

#[tokio::test]
async fn export_and_import_carry_attachments_into_a_bucket_and_back() {
    let (bucket, on_disk, in_bucket, back) =
        (Bucket::opens().await, House::opens().await, tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    posted(&on_disk, "data.bin", vec![9; 100_000]).await;
    posted(&on_disk, "picture.png", picture()).await;
    let first = cli(&on_disk, None, &["export"], "").await.ok();
    let run = async |folder: &std::path::Path, bucket: Option<&Bucket>, args: &[&str], input: &str| {
        let mut command = command(folder, args);
        command.env("FRONTDESK_DATA", folder.join("data")).env_remove("FRONTDESK_DATABASE_URL");
        if let Some(bucket) = bucket {
            command.env("FRONTDESK_ATTACHMENTS", bucket.url()).envs(bucket.variables());
        }
        process::finish(&mut command, input).await
    };
    run(in_bucket.path(), Some(&bucket), &["import", "-"], &first).await.ok();
    assert_eq!(bucket.names().len(), 3);
    assert!(run(in_bucket.path(), Some(&bucket), &["check"], "").await.ok().contains("2 attachments"));
    let second = run(in_bucket.path(), Some(&bucket), &["export"], "").await.ok();
    assert_eq!(attachments(&first), attachments(&second));
    run(back.path(), None, &["import", "-"], &second).await.ok();
    assert!(run(back.path(), None, &["check"], "").await.ok().contains("2 attachments"));
    assert_eq!(attachments(&first), attachments(&run(back.path(), None, &["export"], "").await.ok()));

    // A backup fetches them, and a restore puts them into a folder.
    let made = run(in_bucket.path(), Some(&bucket), &["backup", "b.tar"], "").await;
    assert!(made.err.contains(&bucket.url()), "{made:?}");
    made.ok();
    run(in_bucket.path(), None, &["restore", "--verify", "b.tar"], "").await.ok();
    let refused = run(in_bucket.path(), Some(&bucket), &["restore", "b.tar"], "").await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--attachments"), "{refused:?}");

    // `check` reads every byte of a bucket, too.
    let file = bucket.names().into_iter().find(|name| !name.ends_with(".thumb")).expect("a file");
    let path = bucket.place().join(&file);
    let mut bytes = fs::read(&path).expect("the object is there");
    bytes[0] ^= 1;
    fs::write(&path, bytes).expect("the bucket can be written");
    let found = run(in_bucket.path(), Some(&bucket), &["check"], "").await;
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.out.contains(&file) && found.out.contains("its bytes are not those"), "{found:?}");
    fs::remove_file(&path).expect("the bucket can be written");
    let found = run(in_bucket.path(), Some(&bucket), &["check"], "").await;
    assert!(found.out.contains("it is missing"), "{found:?}");
    on_disk.closes().await;
}

/// The names, types, sizes and bytes of all attachments of an export.
fn attachments(export: &str) -> Vec<[Value; 3]> {
    let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines
        .filter(|line| line["type"] == "attachment")
        .map(|line| ["name", "content_type", "bytes"].map(|field| line[field].clone()))
        .collect()
}

#[tokio::test]
async fn a_wrong_bucket_is_refused_at_start_and_says_why() {
    let mut bucket = Bucket::opens().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let serve = async |place: &str, change: &[(&str, &str)], variables: Vec<(String, String)>| {
        let mut serve = command(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--attachments", place]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            serve.env_remove(name);
        }
        serve.envs(variables).envs(change.iter().copied());
        process::finish(&mut serve, "").await
    };
    let url = bucket.url();
    for (place, change, said) in [
        ("gs://bucket", &[][..], "s3://BUCKET/PREFIX"),
        ("s3://", &[], "s3://BUCKET/PREFIX"),
        ("s3://desk-files/a//b", &[], "is no prefix"),
        ("s3://desk-files/../b", &[], "is no prefix"),
        (&url, &[("AWS_SECRET_ACCESS_KEY", "")], "AWS_SECRET_ACCESS_KEY is not set"),
        (&url, &[("AWS_ENDPOINT_URL", "minio")], "AWS_ENDPOINT_URL"),
        (&url, &[("AWS_ENDPOINT_URL", ""), ("AWS_REGION", "")], "AWS_REGION"),
        (&url, &[("AWS_ALLOW_HTTP", "perhaps")], "AWS_ALLOW_HTTP"),
    ] {
        let ran = serve(place, change, bucket.variables()).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{place} {change:?}: {ran:?}");
        assert!(ran.err.contains("--attachments (FRONTDESK_ATTACHMENTS)") && ran.err.contains(said), "{said}: {ran:?}");
    }
    let secret = serve(&url, &[("AWS_SECRET_ACCESS_KEY", "not-the-right-one")], bucket.variables()).await;
    let absent = serve("s3://no-such-bucket/x", &[], bucket.variables()).await;
    bucket.goes_away().await;
    let away = serve(&url, &[], bucket.variables()).await;
    for (ran, place) in [(secret, url.as_str()), (absent, "s3://no-such-bucket/x"), (away, &url)] {
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.contains(place) && ran.err.contains("http://127.0.0.1:") && ran.err.contains("tried to list"), "{ran:?}");
        assert!(!ran.err.contains("not-the-right-one"), "{ran:?}");
    }
}
