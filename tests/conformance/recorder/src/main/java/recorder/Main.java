package recorder;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Loads RocketMQ's classes as they are but for one thing: those of the broker ask
 * Clock for the time. Then runs Commands, which sees the same classes.
 */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        List<URL> urls = new ArrayList<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(new File(path).toURI().toURL());
        }
        ClassLoader loader = new RetimingLoader(urls.toArray(new URL[0]));
        Thread.currentThread().setContextClassLoader(loader);
        loader.loadClass("recorder.Commands").getMethod("main", String[].class)
            .invoke(null, (Object) args);
    }

    private static final class RetimingLoader extends URLClassLoader {
        RetimingLoader(URL[] urls) {
            super(urls, ClassLoader.getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (!name.startsWith("org.apache.rocketmq.broker.")) {
                return super.findClass(name);
            }
            try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                ClassReader reader = new ClassReader(in);
                ClassWriter writer = new ClassWriter(reader, 0);
                reader.accept(new RetimingVisitor(writer), 0);
                byte[] bytes = writer.toByteArray();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    private static final class RetimingVisitor extends ClassVisitor {
        RetimingVisitor(ClassVisitor next) {
            super(Opcodes.ASM9, next);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String descriptor, String signature,
            String[] exceptions) {
            MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
            return new MethodVisitor(Opcodes.ASM9, next) {
                @Override
                public void visitMethodInsn(int opcode, String owner, String method, String type,
                    boolean isInterface) {
                    boolean asksForTime = owner.equals("java/lang/System") && method.equals("currentTimeMillis");
                    super.visitMethodInsn(opcode, asksForTime ? "recorder/Clock" : owner, method, type, isInterface);
                }
            };
        }
    }
}
