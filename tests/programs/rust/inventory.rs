// A guest in Rust over its standard library: reads a table, groups and sorts it, writes files, walks the
// folder, formats numbers, uses traits, iterators, strings and time. Its output is the same natively.
// usage: inventory FOLDER [ARGUMENT...]
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::env;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, PartialEq)]
struct Item {
    name: String,
    count: u32,
    price: f64,
}

#[derive(Debug)]
enum ParseError {
    Columns(usize),
    Number(String),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ParseError::Columns(n) => write!(f, "{} columns instead of 3", n),
            ParseError::Number(text) => write!(f, "{:?} is no number", text),
        }
    }
}

fn parse(line: &str) -> Result<Item, ParseError> {
    let columns: Vec<&str> = line.split(',').map(|c| c.trim()).collect();
    if columns.len() != 3 {
        return Err(ParseError::Columns(columns.len()));
    }
    let count = columns[1].parse().map_err(|_| ParseError::Number(columns[1].to_string()))?;
    let price = columns[2].parse().map_err(|_| ParseError::Number(columns[2].to_string()))?;
    Ok(Item { name: columns[0].to_string(), count, price })
}

trait Describe {
    fn describe(&self) -> String;
}

impl Describe for Item {
    fn describe(&self) -> String {
        format!("{:<12}|{:>5}|{:>10.2}|{:e}", self.name, self.count, self.price, self.price)
    }
}

fn table(folder: &Path) -> io::Result<()> {
    let mut items = Vec::new();
    for line in BufReader::new(fs::File::open(folder.join("items.csv"))?).lines() {
        match parse(&line?) {
            Ok(item) => items.push(item),
            Err(error) => println!("skipped: {}", error),
        }
    }
    items.sort_by(|a, b| b.price.partial_cmp(&a.price).unwrap().then(a.name.cmp(&b.name)));
    let boxed: Vec<Rc<dyn Describe>> =
        items.iter().cloned().map(|i| Rc::new(i) as Rc<dyn Describe>).collect();
    for item in &boxed {
        println!("{}", item.describe());
    }
    let mut groups: BTreeMap<char, Vec<&Item>> = BTreeMap::new();
    for item in &items {
        groups.entry(item.name.chars().next().unwrap()).or_default().push(item);
    }
    for (letter, group) in &groups {
        let total: f64 = group.iter().map(|i| f64::from(i.count) * i.price).sum();
        println!("{} {} {:.3}", letter, group.len(), total);
    }
    let names: HashSet<&str> = items.iter().map(|i| i.name.as_str()).collect();
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for name in &names {
        *lengths.entry(name.len()).or_insert(0) += 1;
    }
    let mut lengths: Vec<_> = lengths.into_iter().collect();
    lengths.sort_unstable();
    println!("{:?}", lengths);
    Ok(())
}

fn files(folder: &Path) -> io::Result<()> {
    let sub = folder.join("rust");
    fs::create_dir_all(sub.join("deep/er"))?;
    fs::write(sub.join("a"), "first")?;
    fs::copy(sub.join("a"), sub.join("deep/b"))?;
    fs::rename(sub.join("deep/b"), sub.join("deep/er/c"))?;
    let mut file = fs::OpenOptions::new().append(true).read(true).open(sub.join("a"))?;
    file.write_all(b" and second")?;
    file.seek(SeekFrom::Start(6))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    println!("{:?} {}", text, fs::metadata(sub.join("a"))?.len());
    let mut queue = VecDeque::from(vec![sub.clone()]);
    let mut seen = Vec::new();
    while let Some(path) = queue.pop_front() {
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            seen.push(entry.path().strip_prefix(folder).unwrap().display().to_string());
            if entry.file_type()?.is_dir() {
                queue.push_back(entry.path());
            }
        }
    }
    seen.sort();
    println!("{}", seen.join(" "));
    println!("{:?}", fs::read(sub.join("missing")).map_err(|e| e.kind()));
    println!("{:?}", fs::remove_dir(&sub).is_err());
    fs::remove_dir_all(&sub)?;
    println!("{}", sub.exists());
    Ok(())
}

fn numbers() {
    for x in [0.1, 1.0 / 3.0, 1e21, 5e-324, f64::MAX, f64::INFINITY, -0.0] {
        println!("{} {:?} {:.3e}", x, x, x);
    }
    println!("{} {} {}", u128::MAX, i64::MIN, u64::MAX.rotate_left(13).count_ones());
    println!("{:?} {:?}", "ß→🦀".to_uppercase(), "a-b_c".split(|c| c == '-' || c == '_').collect::<Vec<_>>());
    println!("{:?}", i32::MAX.checked_add(1));
    let primes: Vec<u32> = (2..60).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    println!("{:?}", primes);
    println!("{}", (1..=20u64).product::<u64>());
}

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    println!("{:?}", &args[1..]);
    println!("{:?} {:?}", env::var("GREETING"), env::var("NOTHING"));
    let folder = Path::new(&args[0]);
    table(folder)?;
    files(folder)?;
    numbers();
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(2));
    println!("slept: {}", start.elapsed() >= Duration::from_millis(2));
    println!("after 2020: {}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() > 1_577_836_800);
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    println!("{} lines, {} characters", input.lines().count(), input.chars().count());
    eprintln!("inventory: done");
    Ok(())
}
