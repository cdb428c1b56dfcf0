package recorder;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import com.alibaba.fastjson2.JSONReader;
import com.alibaba.fastjson2.JSONWriter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.rocketmq.filter.FilterSpi;
import org.apache.rocketmq.filter.FilterFactory;

/** The command line; README.md tells what each command does. */
public final class Commands {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Commands() {
    }

    public static void main(String[] args) throws Exception {
        String command = args.length == 0 ? "" : args[0];
        List<String> rest = List.of(args).subList(Math.min(1, args.length), args.length);
        int exit = 0;
        if (command.equals("record") && rest.size() == 1) {
            record(Path.of(rest.get(0)));
        } else if (command.equals("check") && !rest.isEmpty()) {
            exit = check(rest);
        } else if (command.equals("random") && (rest.size() == 3 || rest.size() == 4)) {
            random(Integer.parseInt(rest.get(0)), Integer.parseInt(rest.get(1)), Path.of(rest.get(2)));
        } else if (command.equals("sql92") && rest.isEmpty()) {
            sql92();
        } else {
            System.err.println("usage: record FILE | check FILE... | random FIRST_SEED LAST_SEED FOLDER | sql92");
            exit = 2;
        }
        // The controllers' pools have threads that are no daemons.
        System.exit(exit);
    }

    /** Writes the file's operations to standard output, with what RocketMQ did. */
    private static void record(Path file) throws IOException {
        List<JSONObject> lines = read(file);
        lines.get(0).put("rocketmq", JavaBroker.release());
        OUT.println(toJson(lines.get(0)));
        for (JSONObject operation : apply(lines)) {
            OUT.println(toJson(operation));
        }
    }

    /** Says where this release of RocketMQ does not do what the files say, whichever release they are of. */
    private static int check(List<String> files) throws IOException {
        int differences = 0;
        for (String file : files) {
            List<JSONObject> lines = read(Path.of(file));
            List<JSONObject> got = apply(lines);
            for (int i = 1; i < lines.size(); i++) {
                String expected = comparable(lines.get(i).getJSONObject("expect"));
                String actual = comparable(got.get(i - 1).getJSONObject("expect"));
                if (!expected.equals(actual)) {
                    differences++;
                    OUT.printf("%s:%d%n- %s%n+ %s%n", file, i + 1, expected, actual);
                }
            }
        }
        OUT.printf("RocketMQ %s: %d files, %d differences%n", JavaBroker.release(), files.size(), differences);
        return differences == 0 ? 0 : 1;
    }

    private static void random(int first, int last, Path folder) throws IOException {
        Files.createDirectories(folder);
        for (int seed = first; seed <= last; seed++) {
            RandomTrace random = new RandomTrace(seed, JavaBroker.release());
            JSONObject header = random.header();
            List<String> lines = new ArrayList<>(List.of(toJson(header)));
            Path store = Files.createTempDirectory("recorder");
            JavaBroker broker = new JavaBroker(header.getJSONObject("config"), store);
            for (int i = 0; i < random.length(); i++) {
                JSONObject operation = random.next(broker::isOpen);
                operation.put("expect", broker.apply(operation));
                lines.add(toJson(operation));
            }
            broker.close();
            delete(store);
            Files.write(folder.resolve(header.getString("name") + ".jsonl"), lines);
        }
    }

    /** Reads a JSON string or null a line, writes a line of an expression list for each. */
    private static void sql92() throws IOException {
        FilterSpi filter = FilterFactory.INSTANCE.get("SQL92");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String expression = (String) JSON.parse(line);
            JSONObject result = new JSONObject();
            result.put("category", "recorded");
            result.put("expression", expression);
            String error = null;
            try {
                filter.compile(expression);
            } catch (Exception e) {
                error = e.getMessage() == null ? e.getClass().getName() : e.getMessage().split("\n", 2)[0];
            } catch (Throwable e) {
                error = "THROWABLE " + e;
            }
            result.put("accepted", error == null);
            result.put("error", error);
            OUT.println(toJson(result));
        }
    }

    private static List<JSONObject> apply(List<JSONObject> lines) throws IOException {
        Path store = Files.createTempDirectory("recorder");
        JavaBroker broker = new JavaBroker(lines.get(0).getJSONObject("config"), store);
        List<JSONObject> applied = new ArrayList<>();
        for (JSONObject line : lines.subList(1, lines.size())) {
            JSONObject operation = new JSONObject(line);
            operation.remove("expect");
            operation.put("expect", broker.apply(operation));
            applied.add(operation);
        }
        broker.close();
        delete(store);
        return applied;
    }

    /** With the events in the order that counts: among those of one kind and group. */
    private static String comparable(JSONObject expect) {
        JSONObject sorted = new JSONObject(new java.util.TreeMap<>(expect));
        JSONArray events = expect.getJSONArray("events");
        if (events != null) {
            sorted.put("events", JavaBroker.objects(expect, "events").stream()
                .sorted(Comparator.comparing(event -> event.getString("kind") + " " + event.getString("group")))
                .map(event -> new java.util.TreeMap<>(event)).collect(Collectors.toList()));
        }
        return JSON.toJSONString(sorted, JSONWriter.Feature.WriteNulls, JSONWriter.Feature.MapSortField);
    }

    private static List<JSONObject> read(Path file) throws IOException {
        return Files.readAllLines(file).stream().filter(line -> !line.isBlank())
            .map(line -> JSON.parseObject(line, JSONReader.Feature.UseBigDecimalForDoubles)).collect(Collectors.toList());
    }

    private static String toJson(JSONObject object) {
        return JSON.toJSONString(object, JSONWriter.Feature.WriteNulls);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        }
    }
}
