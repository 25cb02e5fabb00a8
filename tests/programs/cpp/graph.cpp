// A guest in C++ over libc++: shortest paths in a graph read from a file, with the containers and
// algorithms of the standard library, streams, strings, smart pointers and virtual calls. Its output is
// the same natively. usage: graph FOLDER
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <queue>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Edge {
    std::size_t to;
    double weight;
};

class Graph {
public:
    std::size_t node(const std::string &name)
    {
        auto [it, added] = index_.try_emplace(name, names_.size());
        if (added) {
            names_.push_back(name);
            edges_.emplace_back();
        }
        return it->second;
    }
    void connect(const std::string &a, const std::string &b, double weight)
    {
        std::size_t from = node(a);
        std::size_t to = node(b);
        edges_[from].push_back({to, weight});
        edges_[to].push_back({from, weight});
    }
    std::vector<double> distances(std::size_t from) const
    {
        using Item = std::pair<double, std::size_t>;
        std::vector<double> best(names_.size(), std::numeric_limits<double>::infinity());
        std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
        best[from] = 0;
        queue.push({0, from});
        while (!queue.empty()) {
            auto [distance, at] = queue.top();
            queue.pop();
            if (distance > best[at]) {
                continue;
            }
            for (const Edge &edge : edges_[at]) {
                if (distance + edge.weight < best[edge.to]) {
                    best[edge.to] = distance + edge.weight;
                    queue.push({best[edge.to], edge.to});
                }
            }
        }
        return best;
    }
    const std::string &name(std::size_t i) const
    {
        return names_[i];
    }
    std::size_t size() const
    {
        return names_.size();
    }

private:
    std::unordered_map<std::string, std::size_t> index_;
    std::vector<std::string> names_;
    std::vector<std::vector<Edge>> edges_;
};

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual std::string name() const = 0;
};
struct Circle : Shape {
    explicit Circle(double r) : radius(r) {}
    double area() const override { return 3.14159265358979323846 * radius * radius; }
    std::string name() const override { return "circle"; }
    double radius;
};
struct Box : Shape {
    Box(double w, double h) : width(w), height(h) {}
    double area() const override { return width * height; }
    std::string name() const override { return "box"; }
    double width, height;
};

std::string read_all(const std::string &path)
{
    std::string text;
    if (std::FILE *file = std::fopen(path.c_str(), "rb")) {
        std::array<char, 4096> block;
        while (std::size_t n = std::fread(block.data(), 1, block.size(), file)) {
            text.append(block.data(), n);
        }
        std::fclose(file);
    }
    return text;
}

void containers()
{
    std::mt19937_64 random(12345);
    std::vector<std::uint64_t> numbers(1000);
    std::generate(numbers.begin(), numbers.end(), [&] { return random() % 100000; });
    std::vector<std::uint64_t> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    std::set<std::uint64_t> unique(numbers.begin(), numbers.end());
    std::map<std::uint64_t, std::list<std::uint64_t>> buckets;
    for (std::uint64_t n : numbers) {
        buckets[n / 10000].push_back(n);
    }
    std::deque<std::uint64_t> window;
    std::uint64_t best = 0;
    for (std::uint64_t n : numbers) {
        window.push_back(n);
        if (window.size() > 10) {
            window.pop_front();
        }
        best = std::max(best, std::accumulate(window.begin(), window.end(), std::uint64_t{0}));
    }
    std::cout << "sum " << std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0})
              << " median " << sorted[500] << " unique " << unique.size() << " window " << best << '\n';
    for (const auto &[bucket, list] : buckets) {
        std::cout << bucket << ':' << list.size() << ' ';
    }
    std::cout << '\n';
    std::stable_sort(numbers.begin(), numbers.end(),
                     [](std::uint64_t a, std::uint64_t b) { return a % 10 < b % 10; });
    std::cout << "first " << numbers[0] << " last " << numbers.back() << '\n';
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: graph FOLDER\n";
        return 2;
    }
    Graph graph;
    std::istringstream lines(read_all(std::string(argv[1]) + "/roads"));
    std::string a, b;
    double weight = 0;
    while (lines >> a >> b >> weight) {
        graph.connect(a, b, weight);
    }
    std::vector<double> distances = graph.distances(0);
    std::vector<std::size_t> order(graph.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t x, std::size_t y) { return distances[x] < distances[y]; });
    for (std::size_t i : order) {
        std::cout << std::left << std::setw(10) << graph.name(i) << std::right << std::fixed
                  << std::setprecision(3) << std::setw(10) << distances[i] << '\n';
    }
    containers();
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Circle>(2));
    shapes.push_back(std::make_unique<Box>(3, 4.5));
    for (const auto &shape : shapes) {
        std::cout << shape->name() << ' ' << std::setprecision(12) << shape->area() << '\n';
    }
    std::function<unsigned(unsigned)> collatz = [&](unsigned n) {
        return n == 1 ? 0u : 1u + collatz(n % 2 != 0 ? 3 * n + 1 : n / 2);
    };
    std::cout << "collatz " << collatz(27) << ' ' << std::hex << std::showbase << 3735928559u << std::dec
              << ' ' << std::scientific << std::sqrt(2.0) << '\n';
    return 0;
}
